package dev.monoquant.files.pickle;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An object that Python would make by a call: the callee, its arguments, and the contents set
 * afterwards. Nothing is called here.
 */
public final class PickleObject implements PickleValue {

  /** The kind of call in the pickle. */
  public enum Call {
    /** {@code callee(*args)}. */
    REDUCE,
    /**
     * {@code callee(arg)}: a reduction with a bare number or text, which Python refuses and
     * libtorch writes for a member of an enum. Its arguments have this one item.
     */
    REDUCE_BARE,
    /** {@code callee.__new__(callee, *args)}. */
    NEW,
    /** {@code callee.__new__(callee, *args, **keywords)}. */
    NEW_WITH_KEYWORDS
  }

  private final Call call;
  private final Global callee;
  private final PickleTuple args;
  private final @Nullable PickleValue keywords;
  private @Nullable PickleValue state;
  private @Nullable PickleDict items;
  private @Nullable PickleList elements;

  /**
   * Makes an object without state and items.
   *
   * @param call the kind of call
   * @param callee the class or function
   * @param args the arguments
   * @param keywords the keyword arguments, if the call has them
   */
  public PickleObject(Call call, Global callee, PickleTuple args, Optional<PickleValue> keywords) {
    this.call = call;
    this.callee = callee;
    this.args = args;
    this.keywords = keywords.orElse(null);
  }

  /** {@return the kind of call} */
  public Call call() {
    return call;
  }

  /** {@return the class or function that Python would call} */
  public Global callee() {
    return callee;
  }

  /** {@return the arguments} */
  public PickleTuple args() {
    return args;
  }

  /** {@return the keyword arguments, if the call has them} */
  public Optional<PickleValue> keywords() {
    return Optional.ofNullable(keywords);
  }

  /** {@return the state set by {@code BUILD}, if any} */
  public Optional<PickleValue> state() {
    return Optional.ofNullable(state);
  }

  /**
   * Sets the state.
   *
   * @param value any value
   */
  public void setState(PickleValue value) {
    state = value;
  }

  /** {@return the items set on it as on a dict; created on the first call} */
  public PickleDict items() {
    if (items == null) {
      items = new PickleDict();
    }
    return items;
  }

  /** {@return the elements appended or added to it as to a list or a set} */
  public List<PickleValue> elements() {
    return elements == null ? List.of() : elements.items();
  }

  void append(PickleValue value) {
    if (elements == null) {
      elements = new PickleList();
    }
    elements.add(value);
  }

  @Override
  public String kind() {
    return "an object of " + callee.path();
  }
}
