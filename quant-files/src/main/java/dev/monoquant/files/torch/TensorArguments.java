package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Bool;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.List;

/**
 * Reads single arguments of the functions that make tensors. Does not check whether the arguments
 * are consistent.
 *
 * @param fault makes the exceptions for the tensor
 */
record TensorArguments(TensorFault fault) {

  /**
   * The operations on the numbers of a storage when they are read.
   *
   * @param conjugate whether complex numbers are conjugated
   * @param negative whether numbers are negated
   */
  record Flags(boolean conjugate, boolean negative) {
    static final Flags NONE = new Flags(false, false);
  }

  /** {@return a size or stride: a tuple, a list or a {@code torch.Size} of integers} */
  List<Long> sizes(PickleValue value) {
    PickleValue plain = value;
    if (value instanceof PickleObject object
        && TorchGlobals.key(object.callee()).equals(TorchGlobals.SIZE)
        && object.args().size() == 1) {
      plain = object.args().get(0);
    }
    List<PickleValue> items;
    if (plain instanceof PickleTuple tuple) {
      items = tuple.items();
    } else if (plain instanceof PickleList list) {
      items = list.items();
    } else {
      throw fault.shape("its size or stride is " + value.kind() + ", not a tuple.");
    }
    return items.stream().map(this::size).toList();
  }

  private Long size(PickleValue item) {
    if (item instanceof Int number) {
      return number.value();
    }
    throw item instanceof PickleValue.BigInt
        ? fault.of(Reason.TENSOR_BOUNDS, "a size or stride has more than 64 bits.")
        : fault.shape("a size or stride is " + item.kind() + ".");
  }

  /** {@return a type such as {@code torch.float32}} */
  TorchTypes.Entry dtype(PickleValue value) {
    if (value instanceof Global global && TorchTypes.dtype(global).isPresent()) {
      return TorchTypes.dtype(global).get();
    }
    throw fault.shape("its dtype is " + value.kind() + ".");
  }

  /** {@return the flags in metadata: none, or a dict of {@code conj} and {@code neg}} */
  Flags flags(PickleValue metadata) {
    if (metadata instanceof PickleValue.None) {
      return Flags.NONE;
    }
    if (!(metadata instanceof PickleDict dict)) {
      throw fault.shape("its metadata is " + metadata.kind() + ", not a dict.");
    }
    boolean conjugate = false;
    boolean negative = false;
    for (PickleDict.Item item : dict.items()) {
      String key = item.key() instanceof Text text ? text.value() : item.key().kind();
      if (!(item.value() instanceof Bool flag)) {
        throw unknown(key);
      }
      switch (key) {
        case "conj" -> conjugate = flag.value();
        case "neg" -> negative = flag.value();
        default -> throw unknown(key);
      }
    }
    return new Flags(conjugate, negative);
  }

  private ModelFormatException unknown(String key) {
    return fault.unreadable("one with metadata " + quote(key));
  }
}
