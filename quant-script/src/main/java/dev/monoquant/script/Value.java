package dev.monoquant.script;

import java.util.Map;
import java.util.Optional;

/** What is known of the value of an expression. */
sealed interface Value {

  /** Nothing. */
  record Unknown() implements Value {}

  /** The value of which nothing is known. */
  Value UNKNOWN = new Unknown();

  /**
   * A module.
   *
   * @param type its class
   * @param owner how it is reached, such as {@code self.fc}: the same text in the same body means
   *     the same module
   */
  record OfModule(ModuleType type, String owner) implements Value {}

  /**
   * A weight, in its holder.
   *
   * @param slot which
   * @param transposed whether its two axes are swapped
   * @param owner the module it belongs to
   */
  record Held(Slot slot, boolean transposed, String owner) implements Value {

    Held flipped() {
      return new Held(slot, !transposed, owner);
    }
  }

  /**
   * A tensor that stays what it is.
   *
   * @param owner the module it belongs to
   * @param attribute its name there
   */
  record OfTensor(String owner, String attribute) implements Value {}

  /**
   * A list of tensors of a module, weights among them, that are its own attributes too.
   *
   * @param module the module, as code reaches it
   * @param items the attributes in the order of the list, those that are held with their slots
   */
  record OfList(String module, Map<String, Optional<Slot>> items) implements Value {}

  /**
   * Something global, by its name with dots, such as {@code torch.linear}.
   *
   * @param name the name
   */
  record Global(String name) implements Value {}
}
