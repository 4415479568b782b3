/**
 * Turns the sources into one OpenAPI 3.1 document. The sources leave out what follows from the rest
 * (path parameters, the errors that every operation of its kind may answer); it is added here.
 */
import { APIS, isNode, refTarget, type Api, type Node, type Source } from "./source.ts";
import { errorResponses, oauthErrorResponses } from "./errors.ts";
import { RATE_CLASSES } from "./guards.ts";

export interface Operation {
  id: string;
  api: Api;
  module: string;
  method: string;
  path: string;
  node: Node;
}

export interface Bundle {
  document: Node;
  operations: Operation[];
}

const METHODS = ["get", "put", "post", "delete"];
const PARAMETERS = "types/parameters.yaml";
const RESPONSES = "types/responses.yaml";
const ERRORS = "types/errors.yaml";
/** Files under types/ that hold no schemas. */
const NO_SCHEMAS = new Set([PARAMETERS, RESPONSES, ERRORS, RATE_CLASSES]);

/** Builds the whole document, with every operation found in it. Throws on a reference to nowhere. */
export function bundle(source: Source): Bundle {
  const paths: Node = {};
  const operations: Operation[] = [];
  for (const { api, module, file, document } of source.resources) {
    for (const [path, item] of Object.entries(document["paths"] as Node)) {
      for (const method of METHODS) {
        const node = (item as Node)[method];
        if (!isNode(node)) continue;
        const operation = completeOperation(source, { api, file, document }, path, node);
        ((paths[path] ??= {}) as Node)[method] = operation;
        const id = String(node["operationId"]);
        operations.push({ id, api, module, method: method.toUpperCase(), path, node: operation });
      }
    }
  }
  return { document: root(source, paths), operations };
}

function root(source: Source, paths: Node): Node {
  return {
    openapi: "3.1.0",
    info: {
      title: "The Matrix protocol as Weft speaks it",
      version: "1.19",
      description:
        "Every operation that a Weft server answers, with the shapes of its requests and answers. " +
        "The protocol is Matrix's; the words are Weft's.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The server that serves this page" }],
    tags: [...tags(source), { name: SHAPES }],
    "x-tagGroups": [
      ...APIS.map((api) => ({
        name: API_TITLES[api],
        tags: source.resources
          .filter((each) => each.api === api)
          .map((each) => tagOf(each.document)),
      })),
      { name: "Shapes", tags: [SHAPES] },
    ],
    paths,
    components: components(source),
  };
}

/** The site's section of schemas; redocly.yaml names it too. */
const SHAPES = "Types, events and EDUs";

const API_TITLES: Record<Api, string> = {
  "client-server": "Client API",
  "server-server": "Federation API",
  "application-service": "What application services are asked",
  "push-gateway": "What push gateways are asked",
  oauth: "OAuth 2.0 API",
  admin: "Weft's own",
};

function tags(source: Source): Node[] {
  return source.resources.map(({ document }) => {
    const info = document["info"] as Node;
    return info["description"] === undefined
      ? { name: tagOf(document) }
      : { name: tagOf(document), description: info["description"] };
  });
}

function tagOf(document: Node): string {
  return String((document["info"] as Node)["title"]);
}

/** The operation with its tag, path parameters and errors, references made local to the bundle. */
function completeOperation(
  source: Source,
  { api, file, document }: { api: Api; file: string; document: Node },
  path: string,
  node: Node,
): Node {
  const { "x-errors": own, responses, parameters, ...rest } = localRefs(source, file, node) as Node;
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
  for (const name of names) {
    if (source.types.get(PARAMETERS)?.[name] === undefined) {
      throw new Error(`${file}: ${path}: ${PARAMETERS} has no parameter ${name}`);
    }
  }
  const inPath = names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
  const all = [...inPath, ...((parameters as Node[] | undefined) ?? [])];
  const known = source.types.get(ERRORS) ?? {};
  const errors =
    api === "oauth"
      ? oauthErrorResponses(node)
      : errorResponses(node, all.length > 0, (own as Node | undefined) ?? {}, known, file);
  return {
    ...rest,
    tags: [tagOf(document)],
    ...(all.length > 0 ? { parameters: all } : {}),
    responses:
      api === "oauth"
        ? { ...errors, ...(responses as Node) }
        : { ...(responses as Node), ...errors },
  };
}

function components(source: Source): Node {
  const schemas: Node = {};
  for (const [file, document] of source.types) {
    if (NO_SCHEMAS.has(file)) continue;
    for (const [name, schema] of Object.entries(document)) {
      if (schemas[name] !== undefined) throw new Error(`${file}: a second type named ${name}`);
      schemas[name] = localRefs(source, file, schema);
    }
  }
  for (const [name, event] of source.events) {
    schemas[`Content.${name}`] = eventSchema(source, `events/${name}.yaml`, event);
  }
  for (const [name, edu] of source.edus) {
    schemas[`Edu.${name}`] = eventSchema(source, `events/edus/${name}.yaml`, edu);
  }
  return {
    securitySchemes: SECURITY_SCHEMES,
    schemas,
    parameters: localRefs(source, PARAMETERS, source.types.get(PARAMETERS) ?? {}),
    responses: localRefs(source, RESPONSES, source.types.get(RESPONSES) ?? {}),
  };
}

function eventSchema(source: Source, file: string, event: Node): Node {
  const schema = localRefs(source, file, event["content"]) as Node;
  return {
    description: event["description"],
    ...schema,
    ...(event["examples"] === undefined ? {} : { examples: event["examples"] }),
  };
}

const SECURITY_SCHEMES = {
  accessToken: {
    type: "http",
    scheme: "bearer",
    description:
      "A client's access token, in the Authorization header. An application service gives its `as_token` instead, and acts " +
      "as the user of its `sender_localpart`, or as one of its own users by the query parameter `user_id`, without a device " +
      "or with one of that user's by `device_id` (older services: `org.matrix.msc3202.device_id`).",
  },
  serverSignature: {
    type: "http",
    scheme: "X-Matrix",
    description: "The request signed with the calling server's key, in the Authorization header.",
  },
  administrator: {
    type: "http",
    scheme: "bearer",
    description:
      "The access token of an administrator of this server, in the Authorization header.",
  },
  applicationService: {
    type: "http",
    scheme: "bearer",
    description:
      "The token of an application service (`as_token` of its registration), in the Authorization header.",
  },
  homeserverToken: {
    type: "http",
    scheme: "bearer",
    description: "The token by which a homeserver proves itself to an application service.",
  },
};

/** A copy in which every reference to a file is one to the bundle's components. */
function localRefs(source: Source, file: string, node: unknown): unknown {
  if (Array.isArray(node)) return node.map((item) => localRefs(source, file, item));
  if (!isNode(node)) return node;
  const copy: Node = {};
  for (const [key, value] of Object.entries(node)) {
    copy[key] =
      key === "$ref" && typeof value === "string"
        ? componentRef(source, file, value)
        : localRefs(source, file, value);
  }
  return copy;
}

function componentRef(source: Source, file: string, ref: string): string {
  const [target, name] = refTarget(ref, file);
  const event = /^events\/(edus\/)?(.+)\.yaml$/.exec(target);
  if (event !== null) {
    const known = event[1] === undefined ? source.events : source.edus;
    if (!known.has(event[2] as string)) throw new Error(`${file}: ${ref} points nowhere`);
    return `#/components/schemas/${event[1] === undefined ? "Content" : "Edu"}.${event[2]}`;
  }
  if (source.types.get(target)?.[name] === undefined) {
    throw new Error(`${file}: ${ref} points nowhere`);
  }
  if (target === PARAMETERS) return `#/components/parameters/${name}`;
  if (target === RESPONSES) return `#/components/responses/${name}`;
  return `#/components/schemas/${name}`;
}
