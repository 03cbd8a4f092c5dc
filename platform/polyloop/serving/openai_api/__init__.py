"""The OpenAI-compatible API: chat completions and completions, so that existing clients can ask a project's tasks."""
