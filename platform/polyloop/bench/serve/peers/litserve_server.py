"""LitServe as its documentation has it: `python litserve_server.py --port N [--kind classify|translate --model DIR]`.

Without a model it echoes. Models are batched, in one worker. Input: `{"input": text}`; output: `{"output": text}`, with
scores where it classifies. Runs in an environment of its own.
"""

import argparse
from typing import Any

import litserve
import torch
from transformers import AutoModelForSeq2SeqLM, AutoModelForSequenceClassification, AutoTokenizer


class EchoAPI(litserve.LitAPI):  # type: ignore[misc]  # it is not installed where types are checked
    """Gives back what it gets."""

    def setup(self, device: str) -> None:
        """Load nothing."""

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Take the input."""
        return request["input"]

    def predict(self, x: Any) -> Any:
        """Give it back."""
        return x

    def encode_response(self, output: Any) -> dict[str, Any]:
        """Name the output."""
        return {"output": output}


class ClassifyAPI(EchoAPI):
    """Classifies batches of texts."""

    def __init__(self, folder: str, **settings: Any) -> None:
        self._folder = folder
        super().__init__(**settings)

    def setup(self, device: str) -> None:
        """Load model and tokenizer."""
        self.tokenizer: Any = AutoTokenizer.from_pretrained(self._folder)
        self.model: Any = AutoModelForSequenceClassification.from_pretrained(self._folder).eval()

    def predict(self, x: list[str]) -> list[dict[str, float]]:
        """Return the probability of each label, for each text."""
        batch = self.tokenizer(x, padding=True, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            rows = self.model(**batch).logits.softmax(-1).tolist()
        labels = self.model.config.id2label
        return [{labels[index]: value for index, value in enumerate(row)} for row in rows]

    def encode_response(self, output: dict[str, float]) -> dict[str, Any]:
        """Name the likeliest label and the probabilities of all."""
        return {"output": max(output, key=lambda label: output[label]), "scores": output}


class TranslateAPI(ClassifyAPI):
    """Translates batches of texts; `prefix` stands in front of each and says into what."""

    def __init__(self, folder: str, prefix: str, num_tokens: int, **settings: Any) -> None:
        self._prefix, self._num_tokens = prefix, num_tokens
        super().__init__(folder, **settings)

    def setup(self, device: str) -> None:
        """Load model and tokenizer."""
        self.tokenizer = AutoTokenizer.from_pretrained(self._folder)
        self.model = AutoModelForSeq2SeqLM.from_pretrained(self._folder).eval()

    def predict(self, x: list[str]) -> list[str]:  # type: ignore[override]
        """Return the translation of each text."""
        prompts = [f"{self._prefix}{text}{self.tokenizer.eos_token}" for text in x]
        batch = self.tokenizer(prompts, padding=True, return_tensors="pt", return_token_type_ids=False)
        with torch.inference_mode():
            written = self.model.generate(**batch, max_new_tokens=self._num_tokens)
        texts: list[str] = self.tokenizer.batch_decode(written, skip_special_tokens=True)
        return texts

    def encode_response(self, output: str) -> dict[str, Any]:  # type: ignore[override]
        """Name the output."""
        return {"output": output}


def main() -> None:
    """Serve until the process is told to end."""
    parser = argparse.ArgumentParser(description="LitServe")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=("echo", "classify", "translate"), default="echo")
    parser.add_argument("--model")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--num-tokens", type=int, default=0)
    parser.add_argument("--max-batch-size", type=int, default=1)
    parser.add_argument("--batch-timeout", type=float, default=0.0)
    options = parser.parse_args()
    batching = {"max_batch_size": options.max_batch_size, "batch_timeout": options.batch_timeout}
    if options.kind == "echo":
        api: litserve.LitAPI = EchoAPI()
    elif options.kind == "classify":
        api = ClassifyAPI(options.model, **batching)
    else:
        api = TranslateAPI(options.model, options.prefix, options.num_tokens, **batching)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=options.port, num_api_servers=1, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
