package dev.monoquant.core;

final class ReportJson {
  private ReportJson() {}

  static String of(Report report) {
    return report.plan().input();
  }
}
