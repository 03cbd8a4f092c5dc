// How the page writes figures, times and names.

export const METRIC_NAMES = { macro_f1: "macro F1", accuracy: "accuracy", chrf: "chrF", bleu: "BLEU" };

const languages = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

export function localeName(tag) {
  const name = languages.of(tag);
  return name && name !== tag ? `${name} (${tag})` : tag;
}

export const milliseconds = (value) => (value === null ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
export const percent = (part) => `${+(part * 100).toFixed(2)} %`;
export const moment = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
export const clock = (date) => date.toLocaleTimeString(undefined, { timeStyle: "medium" });

export function duration(seconds) {
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers have randomUUID only on https and localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
