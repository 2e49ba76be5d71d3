package dev.monoquant.core.trial;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import dev.monoquant.core.trial.ModelCall.Argument;
import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Calls a method of a loaded program with arguments that are not all tensors. DJL offers this in
 * classes of its PyTorch engine alone, which this module does not depend on: they are looked up by
 * name.
 */
final class EngineCall {

  private static final String JNI = "ai.djl.pytorch.jni.";

  private final Block block;
  private final Class<?> values;
  private final List<AutoCloseable> made = new ArrayList<>();

  private EngineCall(Block block) throws ReflectiveOperationException {
    this.block = block;
    this.values = type(JNI + "IValue");
  }

  private Class<?> type(String name) throws ClassNotFoundException {
    return Class.forName(name, true, block.getClass().getClassLoader());
  }

  /**
   * Calls a method.
   *
   * @param block the program
   * @param call the method and its arguments
   * @param scope owns the outputs
   * @return the tensors of its output
   * @throws RuntimeException what the engine throws
   */
  static NDList run(Block block, ModelCall call, NDManager scope) {
    try {
      EngineCall engine = new EngineCall(block);
      try {
        return engine.run(call, scope);
      } finally {
        for (AutoCloseable value : engine.made) {
          value.close();
        }
      }
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(
          "this version of DJL does not call methods with arguments other than tensors: " + e, e);
    }
  }

  private NDList run(ModelCall call, NDManager scope) throws ReflectiveOperationException {
    List<Argument> arguments = new ArrayList<>(call.arguments());
    call.tensors().forEach(array -> arguments.add(new Argument.OfTensor(array)));
    Object all = Array.newInstance(values, arguments.size());
    for (int i = 0; i < arguments.size(); i++) {
      Array.set(all, i, value(arguments.get(i)));
    }
    invoke(type(JNI + "JniUtils"), "enableInferenceMode", null, block);
    Object output = invoke(type(JNI + "IValueUtils"), "runMethod", null, block, call.method(), all);
    made.add((AutoCloseable) output);
    return (NDList) invoke(values, "toNDList", output, scope);
  }

  private Object value(Argument argument) throws ReflectiveOperationException {
    Object value = converted(argument);
    made.add((AutoCloseable) value);
    return value;
  }

  private Object converted(Argument argument) throws ReflectiveOperationException {
    if (argument instanceof Argument.OfTensor of) {
      return invoke(values, "from", null, of.array());
    }
    if (argument instanceof Argument.OfInt of) {
      return invoke(values, "from", null, of.number());
    }
    if (argument instanceof Argument.OfFloat of) {
      return invoke(values, "from", null, of.number());
    }
    if (argument instanceof Argument.OfBool of) {
      return invoke(values, "from", null, of.value());
    }
    if (argument instanceof Argument.OfText of) {
      return invoke(values, "from", null, of.text());
    }
    if (argument instanceof Argument.OfInts of) {
      long[] numbers = of.numbers().stream().mapToLong(Long::longValue).toArray();
      return invoke(values, "listFrom", null, (Object) numbers);
    }
    if (argument instanceof Argument.OfFloats of) {
      double[] numbers = of.numbers().stream().mapToDouble(Double::doubleValue).toArray();
      return invoke(values, "listFrom", null, (Object) numbers);
    }
    if (argument instanceof Argument.OfBools of) {
      boolean[] all = new boolean[of.values().size()];
      for (int i = 0; i < all.length; i++) {
        all[i] = of.values().get(i);
      }
      return invoke(values, "listFrom", null, (Object) all);
    }
    if (argument instanceof Argument.OfTensors of) {
      Object all = Array.newInstance(of.arrays().get(0).getClass(), of.arrays().size());
      for (int i = 0; i < of.arrays().size(); i++) {
        Array.set(all, i, of.arrays().get(i));
      }
      return invoke(values, "listFrom", null, all);
    }
    if (argument instanceof Argument.OfDict of) {
      Map<String, NDArray> all = new HashMap<>(of.arrays());
      return invoke(values, "stringMapFrom", null, all);
    }
    List<Argument> items = ((Argument.OfTuple) argument).items();
    Object all = Array.newInstance(values, items.size());
    for (int i = 0; i < items.size(); i++) {
      Array.set(all, i, value(items.get(i)));
    }
    return invoke(values, "tupleFrom", null, all);
  }

  /** Calls the public method of that name whose parameters take the arguments. */
  private static Object invoke(
      Class<?> type, String name, @Nullable Object object, Object... arguments)
      throws ReflectiveOperationException {
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name) && takes(method.getParameterTypes(), arguments)) {
        return method.invoke(object, arguments);
      }
    }
    throw new NoSuchMethodException(type.getName() + "." + name);
  }

  private static boolean takes(Class<?>[] types, Object[] arguments) {
    if (types.length != arguments.length) {
      return false;
    }
    for (int i = 0; i < types.length; i++) {
      Class<?> given = arguments[i].getClass();
      boolean primitive =
          (types[i] == long.class && given == Long.class)
              || (types[i] == double.class && given == Double.class)
              || (types[i] == boolean.class && given == Boolean.class);
      if (!primitive && !types[i].isAssignableFrom(given)) {
        return false;
      }
    }
    return true;
  }
}
