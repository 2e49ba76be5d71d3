package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ReadLimits;
import java.util.Optional;

/** How a quantizer works; nothing of it but the statistics changes a byte of an output. */
record Settings(
    Plugins plugins,
    int threads,
    int tileElements,
    Compute compute,
    ReadLimits limits,
    Optional<String> inputFormat,
    Progress progress,
    boolean sync,
    ColumnStatistics columns,
    boolean resume) {

  /** 128 Ki floats are half of a 1 MiB second-level cache; the codes fit beside them. */
  static final int TILE_ELEMENTS = 128 << 10;

  Settings {
    requireNonNull(plugins, "plugins");
    requireNonNull(compute, "compute");
    requireNonNull(limits, "limits");
    requireNonNull(progress, "progress");
    requireNonNull(columns, "columns");
    if (threads < 1 || threads > 1024) {
      throw new ConfigurationException(
          threads + " threads: 1 to 1024 are allowed. Example: --threads 4");
    }
    if (tileElements < 1) {
      throw new ConfigurationException(
          "tiles of "
              + tileElements
              + " elements: at least 1 is allowed, "
              + TILE_ELEMENTS
              + " is the default");
    }
  }

  static Settings defaults() {
    return new Settings(
        Plugins.load(),
        Runtime.getRuntime().availableProcessors(),
        TILE_ELEMENTS,
        Compute.AUTO,
        ReadLimits.DEFAULT,
        Optional.empty(),
        Progress.NONE,
        true,
        ColumnStatistics.NONE,
        false);
  }

  Settings withPlugins(Plugins value) {
    return new Settings(
        value,
        threads,
        tileElements,
        compute,
        limits,
        inputFormat,
        progress,
        sync,
        columns,
        resume);
  }

  Settings withThreads(int value) {
    return new Settings(
        plugins,
        value,
        tileElements,
        compute,
        limits,
        inputFormat,
        progress,
        sync,
        columns,
        resume);
  }

  Settings withTileElements(int value) {
    return new Settings(
        plugins, threads, value, compute, limits, inputFormat, progress, sync, columns, resume);
  }

  Settings withCompute(Compute value) {
    return new Settings(
        plugins,
        threads,
        tileElements,
        value,
        limits,
        inputFormat,
        progress,
        sync,
        columns,
        resume);
  }

  Settings withLimits(ReadLimits value) {
    return new Settings(
        plugins,
        threads,
        tileElements,
        compute,
        value,
        inputFormat,
        progress,
        sync,
        columns,
        resume);
  }

  Settings withInputFormat(Optional<String> value) {
    return new Settings(
        plugins, threads, tileElements, compute, limits, value, progress, sync, columns, resume);
  }

  Settings withProgress(Progress value) {
    return new Settings(
        plugins, threads, tileElements, compute, limits, inputFormat, value, sync, columns, resume);
  }

  Settings withSync(boolean value) {
    return new Settings(
        plugins,
        threads,
        tileElements,
        compute,
        limits,
        inputFormat,
        progress,
        value,
        columns,
        resume);
  }

  Settings withColumns(ColumnStatistics value) {
    return new Settings(
        plugins,
        threads,
        tileElements,
        compute,
        limits,
        inputFormat,
        progress,
        sync,
        value,
        resume);
  }

  Settings withResume(boolean value) {
    return new Settings(
        plugins,
        threads,
        tileElements,
        compute,
        limits,
        inputFormat,
        progress,
        sync,
        columns,
        value);
  }
}
