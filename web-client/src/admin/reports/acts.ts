import { msg, str } from "@lit/localize";
import type { Schema } from "@weft/spec/types";
import { createReportsAdmin, type Decision, type WholeReport } from "../../api/admin/reports.ts";
import type { MenuItem } from "../../elements/menu.ts";
import type { Act, ActField } from "../../store/acts.ts";
import { serverOf } from "../../store/actions.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { plainName } from "../../text/names.ts";

type Kind = Schema<"ReportDecision">["decision"];

const NAMES: Readonly<Record<Kind, () => string>> = {
  dismiss: () => msg("Dismiss"),
  remove_message: () => msg("Remove the message"),
  warn: () => msg("Warn"),
  suspend: () => msg("Suspend"),
  remove_from_room: () => msg("Remove from the room"),
};

export const isDecision = (value: unknown): value is Kind =>
  typeof value === "string" && Object.hasOwn(NAMES, value);

/** A decision in a few words. */
export const decisionName = (decision: Kind): string => NAMES[decision]();

/** What can be decided about a report. Each of it is noted with who, when and why. */
export function reportActs(client: Client, report: WholeReport, after: () => void): MenuItem[] {
  const isLocal =
    report.about !== undefined && serverOf(report.about) === serverOf(client.session.userId);
  const item = (
    decision: Decision,
    sign: MenuItem["icon"],
    work: Pick<Act, "text" | "undo" | "fields">,
  ): MenuItem => ({
    label: decisionName(decision),
    icon: sign,
    danger: decision !== "dismiss" && decision !== "warn",
    run: () => openDialog({ kind: "act", act: actOf(client, report, decision, work, after) }),
  });
  const who = report.about ?? "";
  const room = plainName(report.room_name) ?? report.room_id ?? "";
  const items = [
    item("dismiss", "check", {
      text: msg("Nothing is done, and the report is off the queue."),
      undo: msg("You can decide anew at any time."),
    }),
  ];
  if (report.kind === "event")
    items.push(
      item("remove_message", "trash", {
        text: msg(str`The message of ${who} is removed from “${room}”, for everybody.`),
        undo: msg("This cannot be undone."),
      }),
    );
  if (isLocal)
    items.push(
      item("warn", "message", {
        text: msg(str`${who} gets a message of the server.`),
        undo: msg(
          "A message that was sent cannot be taken back. About one report nobody is told the same words twice.",
        ),
        fields: [
          { name: "message", label: msg("What they are told"), type: "lines", isRequired: true },
        ],
      }),
      item("suspend", "ban", {
        text: msg(str`${who} stays signed in and can read, but can neither write nor join rooms.`),
        undo: msg("You can end it on the user’s page at any time."),
      }),
    );
  if (report.kind === "event" && report.about !== undefined)
    items.push(
      item("remove_from_room", "leave", {
        text: msg(str`${who} is put out of “${room}”.`),
        undo: msg("Unless you ban them, they can come back as the room allows."),
        fields: [{ name: "ban", label: msg("Do not let them come back"), type: "tick" }],
      }),
    );
  return items;
}

function actOf(
  client: Client,
  report: WholeReport,
  decision: Decision,
  work: Pick<Act, "text" | "undo" | "fields">,
  after: () => void,
): Act {
  const others: ActField[] =
    report.other_reports.length === 0
      ? []
      : [
          {
            name: "others",
            label: msg(
              str`Decide the other open reports of the same with it (${report.other_reports.length})`,
            ),
            type: "tick",
            value: "yes",
          },
        ];
  return {
    heading: decisionName(decision),
    ...work,
    fields: [
      ...(work.fields ?? []),
      { name: "reason", label: msg("Why (it is noted)"), type: "text" },
      ...others,
    ],
    action: decisionName(decision),
    isDanger: decision !== "dismiss" && decision !== "warn",
    async run(values) {
      try {
        await createReportsAdmin(client.api.http).decide(report.id, {
          decision,
          ...(values["reason"] === "" ? {} : { reason: values["reason"]! }),
          ...(values["message"] === undefined ? {} : { message: values["message"] }),
          ...(values["ban"] === "yes" ? { ban: true } : {}),
          ...(values["others"] === "yes" ? { settle_others: true } : {}),
        });
        toast(msg("The decision was made and noted."));
      } finally {
        // What fails is noted as well.
        after();
      }
    },
  };
}
