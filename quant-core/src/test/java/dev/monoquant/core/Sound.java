package dev.monoquant.core;

import dev.monoquant.spi.SchemeId;

/** A provider without fault. */
public final class Sound extends FakeScheme {
  /** Called by the loader. */
  public Sound() {}

  @Override
  public SchemeId id() {
    return new SchemeId("sound", 1);
  }
}
