package dev.monoquant.core;

final class ReportTable {
  private ReportTable() {}

  static String of(Report report) {
    return report.plan().input();
  }
}
