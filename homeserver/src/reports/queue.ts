/** What users report, for administrators: one queue, with what surrounds it and what was decided. */
import { errors } from "../protocol/errors.ts";
import type { EventId, RoomId } from "../protocol/identifiers.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { Reader, RoomAdministration } from "../rooms/api/index.ts";
import {
  type DecisionRow,
  decisionsOf,
  deleteReport,
  findReport,
  type ListedReport,
  listReports,
  type ReportKind,
  type ReportQuery,
  sameTarget,
} from "../storage/users/reports.ts";
import { createDecide, type DecideDeps, type Decide } from "./decide.ts";

type Surroundings = Awaited<ReturnType<RoomAdministration["history"]["context"]>>;

export interface WholeReport extends ListedReport {
  /** The event's PDU: as it was reported, while the report is open; else as it is now. */
  readonly pdu: JsonObject | undefined;
  /** What stands around it now; undefined where that is not known here. */
  readonly surroundings: Surroundings | undefined;
  readonly decisions: readonly (DecisionRow & { readonly decisionId: number })[];
  /** Other open reports of the same event, user or room. */
  readonly others: readonly number[];
}

export interface ReportQueue {
  list(query: ReportQuery): Promise<{ reports: ListedReport[]; total: number }>;
  /** One report of a kind, of any kind when absent. M_NOT_FOUND 404. */
  one(reportId: number, kind?: ReportKind): Promise<ListedReport & { readonly pdu?: JsonObject }>;
  /** The same with all that helps to decide: `around` events before and after. M_NOT_FOUND 404. */
  whole(reader: Reader, reportId: number, around: number): Promise<WholeReport>;
  /** Forgets a report, and what was decided about it. M_NOT_FOUND 404. */
  remove(reportId: number, kind: ReportKind): Promise<void>;
  readonly decide: Decide;
}

export function createReportQueue(deps: DecideDeps): ReportQueue {
  const { sql } = deps;
  const { lists, history } = deps.rooms.administration;

  async function found(reportId: number, kind?: ReportKind) {
    const report = await findReport(sql, reportId);
    if (report !== undefined && (kind === undefined || report.kind === kind)) return report;
    throw errors.notFound("There is no such report");
  }

  async function pduOf({ eventId, copy }: Awaited<ReturnType<typeof found>>) {
    if (eventId === null) return undefined;
    if (copy !== null) return { event_id: eventId, ...(JSON.parse(copy) as JsonObject) };
    return lists.pdu(eventId as EventId);
  }

  async function surroundings(
    reader: Reader,
    { roomId, eventId }: ListedReport,
    around: number,
  ): Promise<Surroundings | undefined> {
    if (roomId === null || eventId === null) return undefined;
    const filter = undefined;
    try {
      const [room, event] = [roomId as RoomId, eventId as EventId];
      return await history.context(reader, room, event, { limit: 2 * around, filter });
    } catch {
      return undefined; // the room or the event is gone, or it is shown to nobody any more
    }
  }

  return {
    async list(query) {
      await lists.refresh();
      return listReports(sql, query);
    },
    async one(reportId, kind) {
      await lists.refresh();
      const report = await found(reportId, kind);
      const pdu = await pduOf(report);
      return { ...report, ...(pdu && { pdu }) };
    },
    async whole(reader, reportId, around) {
      await lists.refresh();
      const report = await found(reportId);
      const [pdu, context, decisions, others] = await Promise.all([
        pduOf(report),
        surroundings(reader, report, around),
        decisionsOf(sql, reportId),
        sameTarget(sql, report),
      ]);
      return { ...report, pdu, surroundings: context, decisions, others };
    },
    async remove(reportId, kind) {
      if (!(await deleteReport(sql, reportId, kind))) throw errors.notFound("No such report");
    },
    decide: createDecide(deps),
  };
}
