package dev.monoquant.files.pickle;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Python would make by a call: the callee, its arguments, and what is filled in afterwards.
 * Here nothing is called.
 */
public final class PickleObject implements PickleValue {

  /** How the pickle asks for the call. */
  public enum Call {
    /** {@code callee(*args)}. */
    REDUCE,
    /**
     * {@code callee(arg)}: a reduction by a bare number or text, which Python refuses and libtorch
     * writes for a member of an enum. Its arguments have that one item.
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
   * @param call how it is called
   * @param callee what is called
   * @param args the arguments
   * @param keywords the keyword arguments, if the call has them
   */
  public PickleObject(Call call, Global callee, PickleTuple args, Optional<PickleValue> keywords) {
    this.call = call;
    this.callee = callee;
    this.args = args;
    this.keywords = keywords.orElse(null);
  }

  /** {@return how it is called} */
  public Call call() {
    return call;
  }

  /** {@return what is called} */
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

  /** {@return what {@code BUILD} sets it to, if it does} */
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

  /** {@return what is put into it as into a dict; made when first asked for} */
  public PickleDict items() {
    if (items == null) {
      items = new PickleDict();
    }
    return items;
  }

  /** {@return what is appended or added to it as to a list or a set} */
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
