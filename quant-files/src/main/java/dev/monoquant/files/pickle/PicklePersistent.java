package dev.monoquant.files.pickle;

/** A reference to something outside the pickle, such as a storage. */
public final class PicklePersistent implements PickleValue {

  private final PickleValue id;

  /**
   * Makes a reference.
   *
   * @param id what names the thing
   */
  public PicklePersistent(PickleValue id) {
    this.id = id;
  }

  /** {@return what names the thing} */
  public PickleValue id() {
    return id;
  }

  @Override
  public String kind() {
    return "a persistent id";
  }
}
