import { msg } from "@lit/localize";
import { html, type TemplateResult } from "lit";
import { icon } from "../elements/icon.ts";
import type { Client } from "../store/client.ts";
import type { AdminRoute } from "../store/router.ts";
import { sign } from "./parts/signs.ts";

/** A part of the administration. */
export interface Section {
  readonly label: string;
  readonly icon: TemplateResult;
  load(): Promise<unknown>;
  draw(client: Client, place: AdminRoute): TemplateResult;
}

/** The parts by the first word of their address; the empty one is what is opened first. */
export function sections(): Record<string, Section> {
  return { ...ofPeople(), ...ofTheServer() };
}

/** What people and their rooms do. */
function ofPeople(): Record<string, Section> {
  return {
    "": {
      label: msg("Overview"),
      icon: sign("overview"),
      load: () => import("./overview/section.ts"),
      draw: (client) => html`<weft-admin-overview .client=${client}></weft-admin-overview>`,
    },
    users: {
      label: msg("Users"),
      icon: icon("users"),
      load: () => import("./people/section.ts"),
      draw: (client, place) =>
        html`<weft-admin-people .client=${client} .place=${place}></weft-admin-people>`,
    },
    rooms: {
      label: msg("Rooms"),
      icon: icon("hash"),
      load: () => import("./rooms/section.ts"),
      draw: (client, place) =>
        html`<weft-admin-rooms-section
          .client=${client}
          .place=${place}
        ></weft-admin-rooms-section>`,
    },
    reports: {
      label: msg("Reports"),
      icon: icon("flag"),
      load: () => import("./reports/section.ts"),
      draw: (client, place) =>
        html`<weft-admin-reports-section
          .client=${client}
          .place=${place}
        ></weft-admin-reports-section>`,
    },
    tokens: {
      label: msg("Invitation links"),
      icon: icon("link"),
      load: () => import("./people/tokens.ts"),
      draw: (client) => html`<weft-admin-tokens .client=${client}></weft-admin-tokens>`,
    },
    notices: {
      label: msg("Server notices"),
      icon: sign("notices"),
      load: () => import("./notices/section.ts"),
      draw: (client) => html`<weft-admin-notices .client=${client}></weft-admin-notices>`,
    },
    media: {
      label: msg("Files"),
      icon: icon("file"),
      load: () => import("./media/section.ts"),
      draw: (client) => html`<weft-admin-media .client=${client}></weft-admin-media>`,
    },
  };
}

/** How the server does. */
function ofTheServer(): Record<string, Section> {
  return {
    federation: {
      label: msg("Federation"),
      icon: icon("globe"),
      load: () => import("./federation/section.ts"),
      draw: (client, place) =>
        html`<weft-admin-federation .client=${client} .place=${place}></weft-admin-federation>`,
    },
    background: {
      label: msg("Background work"),
      icon: sign("background"),
      load: () => import("./background/section.ts"),
      draw: (client, place) =>
        html`<weft-admin-background .client=${client} .place=${place}></weft-admin-background>`,
    },
    services: {
      label: msg("Application services"),
      icon: sign("services"),
      load: () => import("./services/section.ts"),
      draw: (client) => html`<weft-admin-services .client=${client}></weft-admin-services>`,
    },
    settings: {
      label: msg("Configuration"),
      icon: icon("sliders"),
      load: () => import("./settings/section.ts"),
      draw: (client) => html`<weft-admin-settings .client=${client}></weft-admin-settings>`,
    },
    audit: {
      label: msg("Audit log"),
      icon: sign("audit"),
      load: () => import("./server/audit.ts"),
      draw: (client, place) =>
        html`<weft-admin-audit .client=${client} .place=${place}></weft-admin-audit>`,
    },
  };
}
