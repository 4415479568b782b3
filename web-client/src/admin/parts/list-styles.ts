import { css } from "lit";

/** A table, which becomes cards where it is narrow. */
export const listStyles = css`
  :host {
    container-type: inline-size;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-3);
    margin-bottom: var(--space-4);
  }
  .tools label {
    flex: 0 1 170px;
    min-width: 0;
    color: var(--muted);
    font-weight: 400;
  }
  .tools .term {
    flex: 1 1 240px;
  }
  .tools :is(input, select) {
    margin-top: 2px;
  }
  .rows {
    outline-offset: 4px;
  }
  .rows.old tbody {
    opacity: 0.55;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    padding: var(--space-2) var(--space-3);
    border-bottom: 1px solid var(--line-strong);
    color: var(--muted);
    font-size: 0.87em;
    font-weight: 550;
    text-align: start;
    white-space: nowrap;
  }
  td {
    padding: var(--space-2) var(--space-3);
    border-bottom: 1px solid var(--line);
    overflow-wrap: anywhere;
    vertical-align: middle;
  }
  th:first-child,
  td:first-child {
    padding-inline-start: 0;
  }
  tbody tr:hover {
    background: var(--hover);
  }
  .number {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  .menu {
    width: 44px;
    padding-inline: 0;
    text-align: end;
  }
  .label {
    display: none;
  }
  .value {
    min-width: 0;
    max-width: 42ch;
  }
  .number .value {
    max-width: none;
    white-space: nowrap;
  }
  .value code {
    display: inline-block;
    text-align: start;
    white-space: pre-wrap;
  }
  .value summary {
    font-weight: 550;
  }
  .value details p {
    margin: var(--space-1) 0;
  }
  .sort {
    display: inline-flex;
    align-items: center;
    gap: 2px;
    padding: 0;
    border: 0;
    background: none;
    font-weight: inherit;
  }
  .sort:hover {
    color: var(--text);
  }
  .mark {
    display: inline-flex;
    opacity: 0;
  }
  .mark svg {
    width: 14px;
    height: 14px;
  }
  .mark:is(.f, .b) {
    opacity: 1;
  }
  .mark.f {
    transform: rotate(180deg);
  }
  .sort:is(:hover, :focus-visible) .mark:not(.f, .b) {
    opacity: 0.5;
  }
  .empty {
    padding: var(--space-5) 0;
    color: var(--muted);
    text-align: center;
  }
  .pager {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--space-3);
    min-height: 46px;
    margin-top: var(--space-2);
  }
  .pager p {
    margin: 0;
    color: var(--muted);
    font-size: 0.92em;
  }
  .steps {
    display: flex;
    flex-wrap: wrap;
    gap: var(--space-2);
  }
  .steps [aria-disabled="true"] {
    cursor: default;
    opacity: 0.55;
  }
  .narrow {
    display: none !important;
  }
  @container (max-width: 640px) {
    .narrow {
      display: block !important;
    }
    thead {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
    .sort {
      visibility: hidden;
    }
    table,
    tbody {
      display: block;
    }
    tbody tr {
      position: relative;
      display: block;
      margin-bottom: var(--space-3);
      padding: var(--space-3);
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--raised);
    }
    td {
      display: flex;
      align-items: baseline;
      justify-content: space-between;
      gap: var(--space-3);
      padding: 3px 0;
      border: 0;
    }
    td:has(> .value:empty) {
      display: none;
    }
    td:first-child {
      padding-inline-end: 40px;
    }
    td:first-child .label {
      display: none;
    }
    td:first-child .value {
      flex: 1;
      max-width: 100%;
    }
    .label {
      display: block;
      flex: none;
      color: var(--muted);
      font-size: 0.87em;
    }
    .value {
      text-align: end;
    }
    td:first-child .value {
      text-align: start;
    }
    td.menu {
      position: absolute;
      top: var(--space-2);
      inset-inline-end: var(--space-2);
      width: auto;
    }
    td.menu .label {
      display: none;
    }
  }
`;
