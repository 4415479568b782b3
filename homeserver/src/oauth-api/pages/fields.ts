import { type Html, html, type Text } from "../words/html.ts";

/** A field that nobody sees. */
export function hidden(name: string, value: string): Html {
  return html`<input type="hidden" name="${name}" value="${value}" />`;
}

/** A field for a password. `kind` is what browsers offer to fill in, or to make up. */
export function passwordField(
  name: string,
  label: Text,
  { kind = "current-password", isFirst = false }: { kind?: string; isFirst?: boolean } = {},
): Html {
  const focus = isFirst && html` autofocus`;
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input id="${name}" name="${name}" type="password" autocomplete="${kind}" required${focus} />
  </div>`;
}

/** A field for a name or a code: browsers neither correct it nor write it big. */
export function plainField(
  name: string,
  label: Text,
  more: { value?: string; kind?: string; hint?: Text; isFirst?: boolean } = {},
): Html {
  const { value = "", kind = "off", hint, isFirst = false } = more;
  const described = hint !== undefined && html` aria-describedby="${name}-hint"`;
  const rest = html`${described}${isFirst && html` autofocus`}`;
  return html`<div class="field">
    <label for="${name}">${label}</label>
    <input
      id="${name}"
      name="${name}"
      value="${value}"
      autocomplete="${kind}"
      autocapitalize="none"
      spellcheck="false"
      required${rest}
    />
    ${hint !== undefined && html`<p class="hint" id="${name}-hint">${hint}</p>`}
  </div>`;
}
