// The same request as text to copy: for curl and for Python. The key is never in it; both read it from $KEY.

// Returns a command for a shell of POSIX.
export function asCurl(url, body, asEvents) {
  const parts = [`curl -s ${asEvents ? "-N " : ""}${quoted(url)}`, '-H "Authorization: Bearer $KEY"'];
  if (asEvents) parts.push("-H 'Accept: text/event-stream'");
  parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

// Returns a program for the package's own client.
export function asPython(baseUrl, task, body, version, asEvents) {
  const { input, ...fields } = version ? { ...body, version } : body;
  const positional = input === undefined ? [task] : [task, input];
  const named = Object.entries(fields).map(([name, value]) => `${name}=${literal(value)}`);
  const given = [...positional.map(literal), ...named].join(", ");
  const opened = `Client(${literal(baseUrl)}, os.environ["KEY"]) as client`;
  const lines = asEvents
    ? [
        `with ${opened}, client.stream(${given}) as stream:`,
        "    for text in stream:",
        '        print(text, end="", flush=True)',
      ]
    : [`with ${opened}:`, `    answer = client.answer(${given})`, "    print(answer.output, answer.version)"];
  return ["import os", "", "from polyloop import Client", "", ...lines].join("\n");
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value).map(([name, one]) => `${literal(name)}: ${literal(one)}`).join(", ")}}`;
  }
  return JSON.stringify(value); // Python reads the strings and numbers of JSON
}
