import type { TemplateResult } from "lit";
import audit from "lucide-static/icons/scroll-text.svg?raw";
import background from "lucide-static/icons/list-checks.svg?raw";
import notices from "lucide-static/icons/megaphone.svg?raw";
import overview from "lucide-static/icons/activity.svg?raw";
import services from "lucide-static/icons/plug.svg?raw";
import servers from "lucide-static/icons/server.svg?raw";
import { drawing } from "../../elements/drawing.ts";

const SIGNS = { audit, background, notices, overview, services, servers };

/** Drawings that the administration alone needs, so that nobody else loads them. */
export const sign = (name: keyof typeof SIGNS): TemplateResult => drawing(SIGNS[name]);
