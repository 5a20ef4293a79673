// The text of a stream of server-sent events, cut anywhere, as events. Pure.

/**
 * A parser to be fed with pieces of text. `take(piece)` returns what is complete:
 * {name, data, id} for an event, {comment} for a sign of life, {retry} for a wait that is asked for.
 * `lastId()` is the cursor to come back with: the id of the last event that came whole.
 */
export function parser(lastId = "") {
  let rest = "";
  let event = blank();
  let known = lastId;

  function take(piece) {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    const found = [];
    for (const line of lines) read(line, found);
    return found;
  }

  function read(line, found) {
    if (line === "") {
      if (event.id !== null) known = event.id;
      if (event.data.length)
        found.push({ name: event.name || "message", data: event.data.join("\n"), id: known });
      event = blank();
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "") found.push({ comment: value });
    else if (field === "event") event.name = value;
    else if (field === "data") event.data.push(value);
    else if (field === "id" && !value.includes("\0")) event.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) found.push({ retry: Number(value) });
  }

  return { take, lastId: () => known };
}

function blank() {
  return { name: "", data: [], id: null };
}
