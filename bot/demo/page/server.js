/** The demo server as the page sees it: one picture, a stream of events, and what a person does. */

const RETRY_AFTER_MS = 1500;
const SILENT = "The demo did not answer. Is `make demo` still running?";

/** Tell the server what a person did; never throws: an answer that is not `ok` carries a sentence in `error`. */
export async function post(path, body) {
  try {
    const answer = await fetch(`/demo/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return await answer.json();
    return { ok: false, error: `The demo could not do that (HTTP ${answer.status}).` };
  } catch {
    return { ok: false, error: SILENT };
  }
}

/**
 * Follow the workspace as `user` until the returned function is called.
 * `onPicture` gets the whole state after every (re)connection, `onEvent` each change, `onLink` "up" or "lost";
 * `onStranger` when the workspace has no such user.
 */
export function follow(user, { onPicture, onEvent, onLink, onStranger }) {
  let stream;
  let timer;

  const connect = () => {
    // Events that overtake the picture wait for it, so that it cannot undo them.
    let waiting = [];
    const mine = (stream = new EventSource(`/demo/events?user=${encodeURIComponent(user)}`));
    mine.onmessage = ({ data }) => (waiting ? waiting.push(JSON.parse(data)) : onEvent(JSON.parse(data)));
    mine.onerror = lost;
    mine.onopen = async () => {
      try {
        const answer = await fetch(`/demo/state?user=${encodeURIComponent(user)}`);
        if (mine !== stream) return;
        if (answer.status === 404) return onStranger();
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        const picture = await answer.json();
        if (mine !== stream) return;
        onPicture(picture);
        for (const event of waiting) onEvent(event);
        waiting = null;
        onLink("up");
      } catch {
        if (mine === stream) lost();
      }
    };
  };

  const lost = () => {
    stop();
    onLink("lost");
    timer = setTimeout(connect, RETRY_AFTER_MS);
  };

  const stop = () => {
    clearTimeout(timer);
    stream?.close();
    stream = null;
  };

  connect();
  return stop;
}
