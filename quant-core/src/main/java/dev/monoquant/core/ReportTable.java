package dev.monoquant.core;

final class ReportTable {
  private ReportTable() {}

  static String of(Report report) {
    throw new UnsupportedOperationException();
  }
}
