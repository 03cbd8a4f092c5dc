"""How the service is just now, as one router sees it: live versions, who holds them, and requests of late."""
