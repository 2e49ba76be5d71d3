package dev.monoquant.files.pickle;

/** A reference to something outside the pickle, such as a storage. */
public final class PicklePersistent implements PickleValue {

  private final PickleValue id;

  /**
   * Makes a reference.
   *
   * @param id the persistent id
   */
  public PicklePersistent(PickleValue id) {
    this.id = id;
  }

  /** {@return the persistent id} */
  public PickleValue id() {
    return id;
  }

  @Override
  public String kind() {
    return "a persistent id";
  }
}
