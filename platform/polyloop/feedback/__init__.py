"""What users say about answers: signed inference ids, durable feedback, trust, and curation into examples."""
