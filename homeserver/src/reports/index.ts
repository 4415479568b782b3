export { createReportQueue, type ReportQueue, type WholeReport } from "./queue.ts";
