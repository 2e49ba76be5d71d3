package dev.monoquant.script;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.monoquant.ValidationException;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Bool;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.pickle.PickleWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Runs the holder of a single weight in a program that contains only this holder and returns the
 * decoded tensor. The program is written to a temporary file, about as large as the quantized
 * weight, and loaded by the engine; the file is deleted afterwards.
 *
 * <p>What this does not do: it does not run kernels that multiply codes.
 */
public final class HolderRun {

  private static final String ENGINE = "PyTorch";
  private static final String LABEL = "the holder of a weight";
  private static final String OWN = "__torch__.monoquant_holder_run";
  private static final String SOURCE =
      """
      class Root(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        weight : %1$s
        def forward(self: %2$s.Root,
          unused: Tensor) -> Tensor:
          weight = self.weight
          return torch.to(torch.reshape((weight).tensor(), [-1]), 6)
      """;

  private HolderRun() {}

  /** Reads the storages of a program. */
  @FunctionalInterface
  public interface Storages {

    /**
     * {@return the bytes of a storage}
     *
     * @param key its key in the pickle
     * @throws IOException if reading fails
     */
    ByteBuffer read(String key) throws IOException;
  }

  /**
   * Decodes a weight.
   *
   * @param program a program with holders of this module; only the source of the holder's class is
   *     used
   * @param holder the object of the holder
   * @param storages reads the storages that the holder refers to
   * @return the numbers of the decoded tensor, in its order and rounded to its type
   * @throws IOException if reading or writing fails
   * @throws ValidationException if the engine does not start, or does not load or run the holder
   */
  public static float[] decode(ScriptProgram program, PickleObject holder, Storages storages)
      throws IOException {
    Path folder = Files.createTempDirectory("holder");
    Path file = folder.resolve("holder.pt");
    try {
      write(program, holder, storages, file);
      return run(file);
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private static void write(
      ScriptProgram program, PickleObject holder, Storages storages, Path file) throws IOException {
    String library = holder.callee().module();
    String source = "code/" + library.replace('.', '/') + ".py";
    String code = program.code().get(library.replace('.', '/') + ".py");
    if (code == null) {
      throw new IllegalArgumentException("no source of " + library);
    }
    PickleDict state = new PickleDict();
    state.put(new Text("training"), new Bool(false));
    state.put(new Text("weight"), holder);
    PickleObject root = Pickles.instance(OWN + ".Root", state);
    String type = library + "." + holder.callee().name();
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      put(zip, "data.pkl", PickleWriter.write(root, LABEL, "data.pkl"));
      put(zip, "constants.pkl", PickleWriter.write(new PickleTuple(List.of()), LABEL, "constants"));
      put(zip, "version", utf8("3\n"));
      put(zip, source, utf8(code));
      put(zip, "code/" + OWN.replace('.', '/') + ".py", utf8(SOURCE.formatted(type, OWN)));
      Set<String> written = new HashSet<>();
      for (PicklePersistent persistent : PickleWalk.persistentIds(holder)) {
        String key = key(persistent);
        if (written.add(key)) {
          put(zip, "data/" + key, storages.read(key));
        }
      }
    }
  }

  private static String key(PicklePersistent persistent) {
    if (persistent.id() instanceof PickleTuple id
        && id.size() > 2
        && id.get(2) instanceof PickleValue.Text key) {
      return key.value();
    }
    throw new IllegalArgumentException("a storage without a key");
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    put(zip, name, ByteBuffer.wrap(bytes));
  }

  private static void put(ZipOutputStream zip, String name, ByteBuffer bytes) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(bytes.duplicate());
    ZipEntry entry = new ZipEntry("holder/" + name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.remaining());
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    WritableByteChannel channel = Channels.newChannel(zip);
    ByteBuffer rest = bytes.duplicate();
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
    zip.closeEntry();
  }

  private static float[] run(Path file) throws IOException {
    Model model = open();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), ENGINE)) {
      model.load(file);
      NDArray unused = manager.zeros(new Shape(1), DataType.FLOAT32);
      NDList outputs =
          model.getBlock().forward(new ParameterStore(manager, false), new NDList(unused), false);
      outputs.attach(manager);
      return outputs.head().toFloatArray();
    } catch (MalformedModelException | RuntimeException e) {
      throw new ValidationException("PyTorch does not run what decodes it: " + said(e), e);
    } finally {
      model.close();
    }
  }

  private static Model open() {
    try {
      return Model.newInstance("holder", Device.cpu(), ENGINE);
    } catch (RuntimeException | LinkageError e) {
      throw new ValidationException("the PyTorch engine could not start: " + e.getMessage(), e);
    }
  }

  /** A traceback of TorchScript ends with the cause. */
  private static String said(Exception e) {
    List<String> lines = String.valueOf(e.getMessage()).strip().lines().toList();
    return lines.get(0).strip()
        + (lines.size() > 1 ? " " + lines.get(lines.size() - 1).strip() : "");
  }

  /** {@return why the engine is unavailable; empty if it is available} */
  static Optional<String> unavailable() {
    try {
      open().close();
      return Optional.empty();
    } catch (ValidationException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }
}
