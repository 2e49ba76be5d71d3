package dev.monoquant.testkit.laws;

import dev.monoquant.QuantException;
import dev.monoquant.spi.SchemeId;
import java.util.function.Supplier;

/** The law for ids, which is the same for all plugins. */
final class Ids {

  private Ids() {}

  static void require(String law, Object plugin, Supplier<String> call) {
    String id = call.get();
    String subject = plugin.getClass().getName();
    if (!SchemeId.isValidName(id)) {
      throw new LawViolation(
          law,
          subject,
          "id "
              + QuantException.quote(id)
              + " is not allowed; use lower case letters, digits and dashes, or vendor/name");
    }
    if (!id.equals(call.get())) {
      throw new LawViolation(
          law, subject, "the first call returned the id " + id + ", the second another");
    }
  }
}
