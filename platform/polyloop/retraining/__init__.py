"""When a task is trained again, and the loop run that does it: triggers, schedule, state machine, promotion."""
