import { html } from "lit";
import { page } from "vitest/browser";
import type { Encryption } from "../../src/encryption/port.ts";
import type { WeftTimeline } from "../../src/elements/timeline.ts";
import { navigate } from "../../src/store/router.ts";
import { syncOf } from "../unit/events.ts";
import { ANN, createTestClient, ME, ROOM, settled, show } from "./support.ts";
import "../../src/pages/room.ts";

type Answers = Parameters<typeof createTestClient>[0];

/** A room with Ann in it, on the page; an encrypted one where there is encryption. */
export async function openRoom(answers: Answers = {}, messages = 3, encryption?: Encryption) {
  const { client, store, calls, make, $status } = createTestClient(answers, encryption);
  const encrypted = make.state("m.room.encryption", ME, { algorithm: "m.megolm.v1.aes-sha2" });
  const state = [
    ...(encryption === undefined ? [] : [encrypted]),
    make.state("m.room.create", ME, { room_version: "12" }),
    make.state("m.room.name", ME, { name: "Weaving" }),
    make.member(ME, "join", "Me"),
    make.member(ANN, "join", "Ann"),
  ];
  const said = Array.from({ length: messages }, (_, at) =>
    make.message(at % 3 === 0 ? ME : ANN, `message ${at}`),
  );
  store.apply(
    syncOf(ROOM, { state: { events: state }, timeline: { events: said, prev_batch: "p1" } }),
    0,
  );
  navigate({ page: "room", room: ROOM, via: [] }, true);
  const place = { page: "room" as const, room: ROOM, via: [] };
  const stage = await show(html`<weft-room .client=${client} .place=${place}></weft-room>`, client);
  const bring = async (data: Parameters<typeof syncOf>[1]): Promise<void> => {
    store.apply(syncOf(ROOM, data), 0);
    await settled();
  };
  const timeline = (): WeftTimeline =>
    stage.querySelector("weft-room")!.shadowRoot!.querySelector("weft-timeline")!;
  return { client, calls, make, said, stage, bring, timeline, $status };
}

/** Where one writes. */
export const field = () => page.getByRole("textbox", { name: "Write to Weaving" });
/** The message of this name. */
export const article = (name: RegExp) => page.getByRole("article", { name });
