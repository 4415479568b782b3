import type { TestProject } from "vitest/node";
import { startSubject } from "./subject.ts";

/** One server under test for the whole run. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { subject, stop } = await startSubject(process.env);
  project.provide("subject", subject);
  return stop;
}
