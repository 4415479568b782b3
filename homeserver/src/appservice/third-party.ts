/** Third-party networks, as application services describe them. (Client-server API, "Third-party networks".) */
import { createSingleFlight } from "../platform/single-flight.ts";
import { errors } from "../protocol/errors.ts";
import { isRoomAlias, isUserId } from "../protocol/identifiers.ts";
import { isJsonObject, type Json, type JsonObject } from "../protocol/json.ts";
import { atMost, LRUCache } from "../platform/caches.ts";
import { callTo, isSuccess, jsonOf, ServiceUnreachable } from "./calls.ts";
import type { CallsOfServices } from "./calls-of.ts";
import type { Registration } from "./registration.ts";
import type { Services } from "./services.ts";

export interface ThirdParty {
  /** Every protocol that a service describes in time, by its name. */
  protocols(): Promise<Readonly<Record<string, JsonObject>>>;
  /** @throws MatrixError M_NOT_FOUND 404 */
  protocol(name: string): Promise<JsonObject>;
  /**
   * Locations or users of a protocol by fields, from all services that have the protocol.
   * @throws MatrixError M_NOT_FOUND 404 when there are none
   */
  search(kind: Kind, protocol: string, fields: URLSearchParams): Promise<JsonObject[]>;
  /**
   * What an alias or a user is in other networks, from all services.
   * @throws MatrixError M_NOT_FOUND 404 when it is nothing
   */
  reverse(kind: Kind, id: string): Promise<JsonObject[]>;
}

type Kind = "location" | "user";

/** All are asked at once, and whoever has not answered by then is left out. */
const ASKED_MS = 5_000;
/** Longer descriptions and lists are none. */
const MAX_BYTES = 256 * 1024;
const MAX_FOUND = 500;
const KEPT_MS = 60_000;
const KEPT = 1_000;
const MAX_INSTANCES = 200;

export function createThirdParty(deps: {
  readonly services: Services;
  readonly calls: Pick<CallsOfServices, "of">;
}): ThirdParty {
  const { services, calls } = deps;
  /** Clients ask for all protocols whenever they start. */
  const described = new LRUCache<string, JsonObject>({ ...atMost(KEPT), ttl: KEPT_MS });
  const flights = createSingleFlight<string, JsonObject | undefined>();

  /** What a service answers as JSON; undefined when it answers nothing of use. */
  async function ask(
    service: Registration,
    to: ReturnType<typeof callTo>,
    query?: URLSearchParams,
  ): Promise<Json | undefined> {
    const limits = { timeoutMs: ASKED_MS, maxBytes: MAX_BYTES };
    try {
      const answer = await calls.of(service).ask({ to, ...limits, ...(query && { query }) });
      return isSuccess(answer) ? jsonOf(answer) : undefined;
    } catch (error) {
      if (error instanceof ServiceUnreachable) return undefined;
      throw error;
    }
  }

  const offering = (protocol: string) =>
    services.all.filter(({ url, protocols }) => url !== undefined && protocols.includes(protocol));

  /** A protocol as one service describes it; undefined when it does not, or describes nonsense. */
  async function describe(service: Registration, name: string): Promise<JsonObject | undefined> {
    const key = `${service.id}\0${service.fingerprint}\0${name}`;
    const known = described.get(key);
    if (known !== undefined) return known;
    return flights.run(key, async () => {
      const to = callTo("appserviceGetProtocolMetadata", { protocol: name });
      const answer = await ask(service, to);
      const found = protocolIn(answer, service.id);
      if (found) described.set(key, found);
      return found;
    });
  }

  /** The first description, with the instances of all. */
  async function merged(name: string): Promise<JsonObject | undefined> {
    const all = await Promise.all(offering(name).map((service) => describe(service, name)));
    const found = all.filter((one) => one !== undefined);
    if (found.length === 0) return undefined;
    const instances = found.flatMap((one) => one["instances"] as JsonObject[]);
    return { ...found[0], instances };
  }

  async function list(
    asked: readonly Registration[],
    kind: Kind,
    to: ReturnType<typeof callTo>,
    query: URLSearchParams,
  ): Promise<JsonObject[]> {
    const answers = await Promise.all(asked.map((service) => ask(service, to, query)));
    const isEntry = kind === "user" ? isUser : isLocation;
    const all = answers.flatMap((answer) => (Array.isArray(answer) ? answer : []));
    const found = all.filter((entry): entry is JsonObject => isJsonObject(entry) && isEntry(entry));
    if (found.length === 0) throw errors.notFound("Nothing of the kind is found");
    return found.slice(0, MAX_FOUND);
  }

  return {
    async protocols() {
      const names = [...new Set(services.all.flatMap(({ protocols }) => protocols))];
      const all = await Promise.all(names.map(async (name) => [name, await merged(name)] as const));
      return Object.fromEntries(
        all.flatMap(([name, found]) => (found === undefined ? [] : [[name, found]])),
      );
    },

    async protocol(name) {
      const found = await merged(name);
      if (found === undefined) throw errors.notFound("There is no such protocol");
      return found;
    },

    async search(kind, protocol, fields) {
      const to =
        kind === "user"
          ? callTo("appserviceQueryUserByProtocol", { protocol })
          : callTo("appserviceQueryLocationByProtocol", { protocol });
      return list(offering(protocol), kind, to, fields);
    },

    async reverse(kind, id) {
      const query = new URLSearchParams(kind === "user" ? { userid: id } : { alias: id });
      const asked = services.all.filter(({ url }) => url !== undefined);
      const to =
        kind === "user"
          ? callTo("appserviceQueryUserByID", {})
          : callTo("appserviceQueryLocationByAlias", {});
      return list(asked, kind, to, query);
    },
  };
}

/** The description with what clients rely on; each instance gets an id among all services. */
function protocolIn(answer: Json | undefined, service: string): JsonObject | undefined {
  if (!isJsonObject(answer)) return undefined;
  const { user_fields: users, location_fields: locations, field_types: types, icon } = answer;
  if (!isTexts(users) || !isTexts(locations) || !isJsonObject(types)) return undefined;
  const given = Array.isArray(answer["instances"]) ? answer["instances"] : [];
  const instances = given.slice(0, MAX_INSTANCES).flatMap((instance) => {
    if (!isJsonObject(instance)) return [];
    const { desc, network_id: network, fields } = instance;
    if (typeof desc !== "string" || typeof network !== "string" || !isJsonObject(fields)) return [];
    return [{ ...instance, instance_id: `${service}|${network}` }];
  });
  return {
    ...answer,
    icon: typeof icon === "string" ? icon : "",
    instances,
  };
}

function isTexts(value: Json | undefined): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isLocation(entry: JsonObject): boolean {
  return isRoomAlias(entry["alias"]) && isOfProtocol(entry);
}

function isUser(entry: JsonObject): boolean {
  return isUserId(entry["userid"]) && isOfProtocol(entry);
}

function isOfProtocol({ protocol, fields }: JsonObject): boolean {
  return typeof protocol === "string" && isJsonObject(fields);
}
