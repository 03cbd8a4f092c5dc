"""FastAPI around a transformers pipeline: `python fastapi_server.py --port N --kind classify|translate --model DIR`.

Each request is a call of its own, in a thread, as for any function that blocks. transformers 5 has no pipeline for
texts that become texts any more; there it is tokenizer, `generate` and decoding, which is what that pipeline did.
Input: `{"input": text}`; output: `{"output": text}`, with scores where it classifies. Run in an environment of its own.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, pipeline


class Question(BaseModel):
    """What is asked."""

    input: str


def classifier(folder: str) -> Callable[[str], dict[str, Any]]:
    """Return what classifies one text."""
    ask: Any = pipeline("text-classification", model=folder, top_k=None, device="cpu")

    def answer(text: str) -> dict[str, Any]:
        found = ask([text])[0]
        return {"output": found[0]["label"], "scores": {one["label"]: one["score"] for one in found}}

    return answer


def translator(folder: str, prefix: str, num_tokens: int) -> Callable[[str], dict[str, Any]]:
    """Return what translates one text; `prefix` stands in front of it and says into what."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()

    def answer(text: str) -> dict[str, Any]:
        batch = tokenizer(f"{prefix}{text}{tokenizer.eos_token}", return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            written = model.generate(**batch, max_new_tokens=num_tokens)
        return {"output": tokenizer.decode(written[0], skip_special_tokens=True)}

    return answer


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(description="FastAPI")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=("classify", "translate"), required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prefix", default="")
    parser.add_argument("--num-tokens", type=int, default=0)
    options = parser.parse_args()
    if options.kind == "classify":
        ask = classifier(options.model)
    else:
        ask = translator(options.model, options.prefix, options.num_tokens)
    app = FastAPI()

    @app.post("/answer")
    def answer(question: Question) -> dict[str, Any]:
        return ask(question.input)

    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
