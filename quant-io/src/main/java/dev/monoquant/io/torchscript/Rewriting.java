package dev.monoquant.io.torchscript;

import dev.monoquant.script.Rewriter;
import dev.monoquant.script.Rewritten;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Optional;

/** Rewrites a program to run quantized weights. The file layout does not depend on the code. */
interface Rewriting {

  /** The implementation used outside tests. */
  Factory REAL =
      archive ->
          new Rewriting() {
            @Override
            public Optional<String> refusal(EncodedWeight weight) {
              return archive.script().rewriter().refusal(weight);
            }

            @Override
            public Rewritten rewrite(List<EncodedWeight> weights, List<String> kept) {
              return archive.script().rewriter().rewrite(weights, kept);
            }
          };

  /** Analyses an archive. */
  @FunctionalInterface
  interface Factory {
    Rewriting of(ScriptArchive archive);
  }

  /** See {@link Rewriter#refusal}. */
  Optional<String> refusal(EncodedWeight weight);

  /** See {@link Rewriter#rewrite}. */
  Rewritten rewrite(List<EncodedWeight> weights, List<String> kept);
}
