/** The error answers of an operation: its own, and those that everything of its kind may give. */
import {
  bodyKind,
  isClosedToLocked,
  isClosedToSuspended,
  isRateLimited,
  isWithinAcl,
} from "./guards.ts";
import { isNode, type Node } from "./source.ts";

/** status → errcode → when it is answered. */
type Errors = Record<string, Record<string, string>>;

const GENERAL: { when: (operation: Node, hasParameters: boolean) => boolean; errors: Errors }[] = [
  {
    when: (operation) => bodyKind(operation) === "json",
    errors: {
      400: {
        M_NOT_JSON: "The body is not JSON.",
        M_BAD_JSON: "The body is JSON of another shape.",
      },
      413: { M_TOO_LARGE: "The body is too large." },
    },
  },
  {
    when: (_operation, hasParameters) => hasParameters,
    errors: { 400: { M_INVALID_PARAM: "A parameter is malformed." } },
  },
  {
    when: (operation) => hasRequiredQuery(operation),
    errors: { 400: { M_MISSING_PARAM: "A parameter that must be there is not." } },
  },
  {
    when: (operation) =>
      usesScheme(operation, "accessToken") || usesScheme(operation, "administrator"),
    errors: {
      400: { M_UNKNOWN_DEVICE: "An application service acts as a device that the user lacks." },
      401: {
        M_MISSING_TOKEN: "No access token was given.",
        M_UNKNOWN_TOKEN: "The access token is not, or no longer, valid.",
      },
      403: {
        M_FORBIDDEN:
          "An application service acts as a user that is not one of its own, or not there.",
        M_USER_DEACTIVATED: "An application service acts as a user whose account is closed.",
      },
    },
  },
  {
    when: (operation) => usesScheme(operation, "applicationService"),
    errors: {
      401: {
        M_MISSING_TOKEN: "No token was given where an application service has to give its own.",
        M_UNKNOWN_TOKEN: "The token is no application service's, nor any other.",
      },
      403: { M_USER_DEACTIVATED: "The account of the application service itself is closed." },
    },
  },
  {
    when: (operation) => JSON.stringify(operation["security"]) === '[{"applicationService":[]}]',
    errors: { 403: { M_FORBIDDEN: "The token is not the application service's." } },
  },
  {
    when: (operation) => usesScheme(operation, "serverSignature"),
    errors: { 401: { M_UNAUTHORIZED: "The request's signature is missing or wrong." } },
  },
  {
    when: (operation) => usesScheme(operation, "administrator"),
    errors: { 403: { M_FORBIDDEN: "The caller is not an administrator." } },
  },
  {
    when: isClosedToLocked,
    errors: { 401: { M_USER_LOCKED: "The account is locked; with `soft_logout`." } },
  },
  {
    when: isClosedToSuspended,
    errors: { 403: { M_USER_SUSPENDED: "The account is suspended, and may not do this." } },
  },
  {
    when: isWithinAcl,
    errors: { 403: { M_FORBIDDEN: "The room's access list keeps the calling server out." } },
  },
  {
    when: isRateLimited,
    errors: { 429: { M_LIMIT_EXCEEDED: "Too many requests; wait before the next." } },
  },
];

/** Every error of an operation, as status → errcode → when. `own` comes from `x-errors`. */
function errorsOf(operation: Node, hasParameters: boolean, own: Errors): Errors {
  const all: Errors = {};
  const sources = GENERAL.filter((each) => each.when(operation, hasParameters));
  for (const errors of [...sources.map((each) => each.errors), own]) {
    for (const [status, codes] of Object.entries(errors)) {
      all[status] = { ...all[status], ...codes };
    }
  }
  return all;
}

/** The same as OpenAPI responses. Throws on an errcode or a status that types/errors.yaml lacks. */
export function errorResponses(
  operation: Node,
  hasParameters: boolean,
  own: Node,
  known: Node,
  file: string,
): Node {
  const responses: Node = {};
  const errors = errorsOf(operation, hasParameters, own as Errors);
  if (operation["x-user-interactive"] === true) errors[401] ??= {};
  for (const [status, codes] of Object.entries(errors)) {
    for (const code of Object.keys(codes)) check(code, status, known, file);
    const interactive = status === "401" && operation["x-user-interactive"] === true;
    const lines = Object.entries(codes).map(([code, when]) => `- \`${code}\`: ${when}`);
    if (interactive) lines.push("- Without an errcode: a stage of authentication is still to do.");
    const error = { $ref: "#/components/schemas/Error" };
    const challenge = { $ref: "#/components/schemas/AuthenticationChallenge" };
    responses[status] = {
      description: lines.join("\n"),
      "x-errcodes": Object.keys(codes),
      content: {
        "application/json": {
          schema: interactive
            ? { anyOf: [challenge, error] }
            : status === "429"
              ? { $ref: "#/components/schemas/RateLimitError" }
              : error,
        },
      },
    };
  }
  return responses;
}

/**
 * The errors that an operation of the OAuth API may give besides its own: OAuth's, or a page where
 * people look at the answer.
 */
export function oauthErrorResponses(operation: Node): Node {
  const isPage = Object.values(operation["responses"] as Node).some(
    (each) => isNode(each) && isNode(each["content"]) && "text/html" in each["content"],
  );
  const content = isPage
    ? { "text/html": { schema: { type: "string" } } }
    : { "application/json": { schema: { $ref: "#/components/schemas/OAuthError" } } };
  const all = [
    ["400", "The request is malformed, or cannot be granted.", true],
    ["413", "The body is too large.", bodyKind(operation) !== "none"],
    ["429", "Too many requests; wait before the next.", isRateLimited(operation)],
  ] as const;
  const given = all.filter(([, , when]) => when);
  return Object.fromEntries(
    given.map(([status, description]) => [status, { description, content }]),
  );
}

function hasRequiredQuery(operation: Node): boolean {
  const parameters = (operation["parameters"] as Node[] | undefined) ?? [];
  return parameters.some((each) => each["in"] === "query" && each["required"] === true);
}

function usesScheme(operation: Node, scheme: string): boolean {
  return ((operation["security"] as Node[] | undefined) ?? []).some((each) => scheme in each);
}

function check(code: string, status: string, known: Node, file: string): void {
  const entry = known[code];
  if (!isNode(entry)) throw new Error(`${file}: types/errors.yaml has no ${code}`);
  if (!(entry["statuses"] as number[]).includes(Number(status))) {
    throw new Error(`${file}: types/errors.yaml does not give ${code} the status ${status}`);
  }
}
