import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { USAGE, type Options, parseOptions } from "./options.ts";
import { profileText } from "./profile/print.ts";
import { type Profiler, createProfiler } from "./profile/profiler.ts";
import { type Pair, ratioTable } from "./report/compare.ts";
import { markdownTable } from "./report/table.ts";
import { type Certificates, makeCertificates, readCertificates } from "./targets/certificates.ts";
import { DEFAULT_TARGET, openTarget } from "./targets/parse.ts";
import { untilQuiet } from "./targets/quiet.ts";
import type { Target } from "./targets/target.ts";
import { workloads } from "./workloads/index.ts";
import type { Result, Workload } from "./workloads/workload.ts";
import { makeTemporaryFolder } from "../../scripts/lib/temporary.mjs";

/** A server under load, ready to be measured. */
interface Subject {
  readonly target: Target;
  readonly profiler: Profiler | undefined;
}

/** The most that others may have of the machine, where quiet was asked for. */
const QUIET = 0.1;

/** Undone at the end, last first, also after a failure or a signal. */
const opened: (() => Promise<void>)[] = [];

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  const certificates = openCertificates(options.certificates);
  const texts = options.targets.length > 0 ? options.targets : [DEFAULT_TARGET];
  const subjects: Subject[] = [];
  for (const text of texts) subjects.push(await openSubject(text, options, certificates));
  const chosen = workloads.filter(({ name }) => options.workloads.includes(name));

  const results: Result[] = [];
  const pairs: Pair[] = [];
  for (const workload of chosen) {
    for (const subject of inOrder(subjects, options)) {
      results.push(...(await runOne(workload, subject, options, certificates)));
    }
    if (options.compare) pairs.push(...pairsOf(results, workload, options.compare));
  }

  const texted = [markdownTable(results)];
  if (options.compare) texted.push(ratioTable(pairs, ...options.compare));
  const report = `${texted.join("\n\n")}\n`;
  console.log(`\n${report}`);
  if (options.markdown !== undefined) writeFileSync(options.markdown, `${report}\n${machine()}\n`);
  if (options.json !== undefined) writeFileSync(options.json, jsonOf(results, options));
  if (results.some(({ errors, wrong }) => errors > 0 || wrong !== undefined)) process.exitCode = 1;
}

function openCertificates(folder: string | undefined): Certificates {
  if (folder !== undefined) {
    return existsSync(join(folder, "ca.pem")) ? readCertificates(folder) : makeCertificates(folder);
  }
  const temporary = makeTemporaryFolder("weft-bench-ca-");
  opened.push(async () => rmSync(temporary, { recursive: true, force: true }));
  return makeCertificates(temporary);
}

async function openSubject(
  text: string,
  { profile, nodeOptions, variables }: Options,
  certificates: Certificates,
): Promise<Subject> {
  say(`opening ${text}`);
  const target = await openTarget(text, {
    certificates,
    profile,
    nodeArguments: nodeOptions,
    variables,
  });
  opened.push(() => target.stop());
  const { inspectPort } = target;
  const profiler =
    profile && inspectPort !== undefined ? await createProfiler(inspectPort) : undefined;
  opened.push(async () => profiler?.close());
  return { target, profiler };
}

/** Each once; or the compared two as A B B A, so that what drifts with time strikes both alike. */
function inOrder(subjects: readonly Subject[], { compare, times }: Options): readonly Subject[] {
  if (!compare) return subjects;
  const [a, b] = compare.map((name) => {
    const found = subjects.find(({ target }) => target.name === name);
    if (!found) throw new Error(`--compare: no --target is named ${name}`);
    return found;
  }) as [Subject, Subject];
  return Array.from({ length: times }, () => [a, b, b, a]).flat();
}

/** The n-th pass over A with the n-th over B, cell by cell. */
function pairsOf(
  results: readonly Result[],
  { name }: Workload,
  [first, second]: readonly [string, string],
): Pair[] {
  const of = (target: string) =>
    results.filter((result) => result.workload === name && result.target === target);
  const left = of(second);
  return of(first).flatMap((a) => {
    const at = left.findIndex((b) => b.cell === a.cell);
    return at === -1 ? [] : [{ a, b: left.splice(at, 1)[0]! }];
  });
}

async function runOne(
  workload: Workload,
  { target, profiler }: Subject,
  { settings, waitQuiet }: Options,
  certificates: Certificates,
): Promise<Result[]> {
  if (waitQuiet > 0 && !(await untilQuiet(QUIET, waitQuiet))) say("others are busy all the same");
  say(`${workload.name} on ${target.name}`);
  try {
    const results = await workload.run({ target, settings, certificates, profiler, say });
    for (const result of results) {
      say(markdownTable([result]).split("\n").at(-1)!);
      printProfile(result);
    }
    return results;
  } catch (error) {
    // One workload that a server cannot do does not cost the others' figures.
    console.error(`${workload.name} on ${target.name} failed: ${(error as Error).stack}`);
    process.exitCode = 1;
    return [];
  }
}

function printProfile({ workload, cell, target, units, use }: Result): void {
  if (!use?.profile) return;
  const title = `${target}: ${workload}, ${cell}`;
  console.log(profileText(title, use.profile, units, use));
  // It stays for whoever looks at it: its name is none of those that are cleared away.
  const file = join(mkdtempSync(join(tmpdir(), "profile-of-weft-")), `${workload}.cpuprofile`);
  writeFileSync(file, JSON.stringify(use.profile));
  console.log(`\nfor the developer tools: ${file}`);
}

function jsonOf(results: readonly Result[], { settings }: Options): string {
  const bare = results.map(({ use, ...result }) => ({
    ...result,
    use: use && { ...use, profile: undefined },
  }));
  return `${JSON.stringify({ machine: machine(), settings, results: bare }, null, 2)}\n`;
}

function machine(): string {
  const [first, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${others.length + 1} × ${first?.model.trim() ?? "?"}, ${memory} GiB, Node ${process.version}`;
}

function say(line: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${line}`);
}

async function closeAll(): Promise<void> {
  for (let undo = opened.pop(); undo; undo = opened.pop()) {
    await undo().catch((error: Error) => console.error(error.message));
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => void closeAll().finally(() => process.exit(130)));
}
try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 2;
} finally {
  await closeAll();
}
