import { type OperationId, type OperationRow } from "@weft/spec/operations";
import { operationSchemas } from "@weft/spec/schemas";
import type { Logger } from "../platform/logger.ts";
import { asMatrixError } from "./reply/errors.ts";
import { Reply } from "./reply/reply.ts";
import type { Context, Route } from "./route.ts";
import type { Requester } from "./access/authenticate.ts";

/** What an administrator is about to do. */
interface AdminAction {
  readonly by: Pick<Requester, "userId" | "deviceId">;
  readonly operation: OperationId;
  /** What the contract knows of path and query, and names of the body. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly ip: string;
}

/** Where it is noted what administrators do. */
export interface AuditTrail {
  /**
   * Notes durably what is about to be done.
   * @returns what notes how it ended; it never rejects
   * @throws when it cannot be noted: then it must not be done
   */
  begin(action: AdminAction): Promise<(end: AuditedEnd) => Promise<void>>;
}

/** How an operation was answered. */
interface AuditedEnd {
  readonly status: number;
  readonly errcode?: string | undefined;
}

/**
 * The route, noted before it begins and before it is answered, if the contract wants that: all
 * operations of administrators that change something are.
 */
export function audited(
  route: Route,
  row: OperationRow,
  { audit, log }: { readonly audit: AuditTrail; readonly log: Logger },
): Route {
  const { audit: noted } = row;
  if (noted === null) return route;
  const { operationId } = route;
  const queries = queriesOf(operationId);
  return {
    ...route,
    async handle(context) {
      const { requester, ip, params, query, body } = context as unknown as GivenContext;
      const parameters = {
        ...pick(query, queries),
        ...pick(body, noted),
        ...withoutSecrets(params),
      };
      const end = await audit.begin({ by: requester, operation: operationId, parameters, ip });
      try {
        const answer = await route.handle(context);
        await end({ status: answer instanceof Reply ? answer.status : 200 });
        return answer;
      } catch (error) {
        const known = asMatrixError(error, log);
        await end({ status: known.status, errcode: known.errcode });
        throw known;
      }
    },
  };
}

interface GivenContext extends Pick<Context<OperationId>, "ip"> {
  readonly requester: Requester;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: unknown;
  readonly body: unknown;
}

/** The query parameters that the contract describes: an access token is none of them. */
function queriesOf(id: OperationId): readonly string[] {
  const schemas = operationSchemas[id] as { readonly query?: { readonly properties?: object } };
  return Object.keys(schemas.query?.properties ?? {});
}

/** Names of parameters in paths that let somebody in. */
const SECRET = /password|token|secret/i;
/** Of a longer secret its first characters are noted, by which one knows it again. */
const [SHOWN, LONG] = [4, 12];

function withoutSecrets(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => {
      if (!SECRET.test(name) || typeof value !== "string") return [name, value];
      return [name, `${value.length < LONG ? "" : value.slice(0, SHOWN)}…`];
    }),
  );
}

function pick(from: unknown, names: readonly string[]): Record<string, unknown> {
  if (typeof from !== "object" || from === null) return {};
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = Object.hasOwn(from, name) ? (from as Record<string, unknown>)[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
