// The worker's REST interface.

/** The worker's root, which stays right behind a proxy that puts a path before ours. */
const ROOT = new URL("../", document.baseURI);
/** The worker answers within 90 s, if only to say that it could not. */
const PATIENCE = 95_000;

/** The worker's answer was an error. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** There was no answer. */
export class Unreachable extends Error {}

let credentials = null;
let signIn = null;
let signingIn = null;
let declined = false;

/** `ask` is called when the worker wants to know who the user is; it gives `{user, password}` or null. */
export function onUnauthorised(ask) {
  signIn = ask;
}

/** The user who did not want to sign in may be asked once more. */
export function askAgain() {
  declined = false;
}

/** One call. Gives the answer's JSON, its text if it is none, or null; throws `ApiError` and `Unreachable`. */
export async function call(method, path, body, { patience = PATIENCE, accept = "application/json" } = {}) {
  const answer = await send(method, path, body, patience, accept);
  if (answer.status === 401 && signIn && !declined) {
    // Calls that fail together ask once. Who the user is stays in memory and is gone with the page.
    signingIn ??= signIn().finally(() => { signingIn = null; });
    const given = await signingIn;
    if (given) {
      credentials = given;
      return call(method, path, body, { patience, accept });
    }
    declined = true;
  }
  if (!answer.ok) throw new ApiError(answer.status, messageOf(answer));
  return answer.value;
}

async function send(method, path, body, patience, accept) {
  const headers = { Accept: accept };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (credentials) headers.Authorization = `Basic ${base64(`${credentials.user}:${credentials.password}`)}`;
  try {
    const response = await fetch(new URL(path, ROOT), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    const text = await response.text();
    return { ok: response.ok, status: response.status, value: parsed(text) };
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new Unreachable(late ? `No answer within ${Math.round(patience / 1000)} s` : "The worker cannot be reached");
  }
}

function parsed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageOf({ status, value }) {
  if (typeof value?.message === "string") return value.message;
  // A page of some proxy is of no use here.
  const plain = typeof value === "string" && value.length < 500 && !value.trimStart().startsWith("<");
  return plain ? value : `HTTP ${status}`;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** The path of a connector, or of something below it. */
export function connectorPath(name, ...rest) {
  return ["connectors", name, ...rest].map(encodeURIComponent).join("/");
}

/** The path of a plugin's config or of its validation. */
export function pluginPath(name, ...rest) {
  return ["connector-plugins", name, ...rest].map(encodeURIComponent).join("/");
}
