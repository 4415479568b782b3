import type { Retries } from "../appservice/retries.ts";
import type { Registration } from "../appservice/registration.ts";
import type { Services } from "../appservice/services.ts";
import { errors } from "../protocol/errors.ts";
import { type ServiceState, serviceStates } from "../storage/oversight/services.ts";
import type { Sql } from "../storage/sql.ts";

export interface ServiceOversightDeps {
  readonly sql: Sql;
  readonly services: Pick<Services, "all" | "byId">;
  readonly retries: Pick<Retries, "retry">;
  readonly logPosition: () => number;
}

/** A service, and how far it has been told what happens. */
interface ListedService {
  readonly service: Registration;
  readonly state: ServiceState;
  /** Log positions. */
  readonly behind: number;
}

export type ServiceOversight = ReturnType<typeof createServiceOversight>;

/** Application services as administrators look at them. */
export function createServiceOversight(deps: ServiceOversightDeps) {
  const { sql, services, retries, logPosition } = deps;
  return {
    async list(): Promise<ListedService[]> {
      const all = services.all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const states = await serviceStates(
        sql,
        all.map(({ id }) => id),
      );
      const byId = new Map(states.map((state) => [state.id, state]));
      const head = logPosition();
      return all.map((service) => {
        const state = byId.get(service.id)!;
        const isTold = service.url !== undefined && state.position !== null;
        return { service, state, behind: isTold ? Math.max(0, head - state.position) : 0 };
      });
    },
    /** Has what it has not taken sent again. @throws MatrixError M_NOT_FOUND 404 */
    retry(id: string): void {
      if (services.byId(id) === undefined) throw errors.notFound("There is no such service");
      retries.retry(id);
    },
  };
}
