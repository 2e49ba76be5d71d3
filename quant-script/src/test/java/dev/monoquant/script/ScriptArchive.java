package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** A TorchScript archive in memory, read and written the simplest way. */
final class ScriptArchive {

  private final ScriptProgram program;
  private final Map<String, byte[]> records;

  /**
   * Makes an archive.
   *
   * @param program code and pickles
   * @param records storages by name, such as {@code data/0}
   */
  ScriptArchive(ScriptProgram program, Map<String, byte[]> records) {
    this.program = program;
    this.records = new TreeMap<>(records);
  }

  ScriptProgram program() {
    return program;
  }

  /** The same storages with another program. */
  ScriptArchive with(ScriptProgram other) {
    return new ScriptArchive(other, records);
  }

  static ScriptArchive read(Path path) throws IOException {
    Map<String, byte[]> records = new TreeMap<>();
    TreeMap<String, String> code = new TreeMap<>();
    try (ZipFile zip = new ZipFile(path.toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        String name = entry.getName().substring(entry.getName().indexOf('/') + 1);
        try (InputStream in = zip.getInputStream(entry)) {
          if (name.startsWith("code/") && name.endsWith(".py")) {
            code.put(
                name.substring("code/".length()),
                new String(in.readAllBytes(), StandardCharsets.UTF_8));
          } else if (!name.startsWith("code/")) {
            records.put(name, in.readAllBytes());
          }
        }
      }
    }
    return new ScriptArchive(
        new ScriptProgram(
            code,
            pickle(records.get("data.pkl")),
            (PickleTuple) pickle(records.get("constants.pkl"))),
        records);
  }

  private static PickleValue pickle(byte[] bytes) {
    return PickleReader.readAll(
        ByteBuffer.wrap(bytes), "test", "data.pkl", ReadLimits.DEFAULT, global -> true);
  }

  void write(Path path) throws IOException {
    try (OutputStream out = Files.newOutputStream(path);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      put(zip, "data.pkl", PickleWriter.write(program.data(), "test", "data.pkl"));
      put(zip, "constants.pkl", PickleWriter.write(program.constants(), "test", "constants.pkl"));
      put(zip, "version", "3\n".getBytes(StandardCharsets.US_ASCII));
      for (Map.Entry<String, String> code : program.code().entrySet()) {
        put(zip, "code/" + code.getKey(), code.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (Map.Entry<String, byte[]> record : records.entrySet()) {
        if (record.getKey().contains("/") && !record.getKey().startsWith(".")) {
          put(zip, record.getKey(), record.getValue());
        }
      }
    }
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    ZipEntry entry = new ZipEntry("model/" + name);
    if (name.startsWith("code/")) {
      entry.setMethod(ZipEntry.DEFLATED);
    } else {
      CRC32 crc = new CRC32();
      crc.update(bytes);
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(bytes.length);
      entry.setCrc(crc.getValue());
    }
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  /** The archive that a rewrite makes, without what is no longer referred to. */
  ScriptArchive with(Rewritten rewritten, Map<String, Map<String, byte[]>> parts) {
    Map<String, byte[]> all = new TreeMap<>();
    for (String folder : new String[] {"data", "constants"}) {
      PickleValue root =
          folder.equals("data") ? rewritten.program().data() : rewritten.program().constants();
      for (var id : dev.monoquant.files.pickle.PickleWalk.persistentIds(root)) {
        String key = ((PickleValue.Text) ((PickleTuple) id.id()).get(2)).value();
        byte[] bytes = records.get(folder + "/" + key);
        if (bytes != null) {
          all.put(folder + "/" + key, bytes);
        }
      }
    }
    for (CutStorage cut : rewritten.cuts()) {
      byte[] whole = records.get(cut.ofRecord());
      all.put(
          cut.record(),
          Arrays.copyOfRange(
              whole, (int) (4 * cut.first()), (int) (4 * (cut.first() + cut.elements()))));
    }
    for (HeldStorage storage : rewritten.storages()) {
      byte[] bytes = parts.get(storage.weight()).get(storage.part());
      if (bytes.length != storage.bytes()) {
        throw new AssertionError(storage + " has " + bytes.length + " bytes");
      }
      if (all.put("data/" + storage.key(), bytes) != null) {
        throw new AssertionError(storage + " has the key of another");
      }
    }
    return new ScriptArchive(rewritten.program(), all);
  }

  /** The numbers of a tensor of the pickle, the row axis first. */
  float[] rows(WeightMatrix rows, dev.monoquant.files.pickle.PickleObject tensor, String folder) {
    TensorView view = TensorView.of(tensor).orElseThrow();
    byte[] storage = records.get(folder + "/" + view.key());
    ElementType type = rows.tensor().type();
    float[] all = new float[storage.length / type.cellBytes()];
    FloatBytes.widen(type, ByteBuffer.wrap(storage), all, 0, all.length);
    int rank = view.sizes().size();
    int[] order = new int[rank];
    order[0] = rows.rowAxis();
    for (int axis = 0, next = 1; axis < rank; axis++) {
      if (axis != rows.rowAxis()) {
        order[next++] = axis;
      }
    }
    float[] out = new float[Math.toIntExact(rows.tensor().shape().elements())];
    long[] index = new long[rank];
    for (int i = 0; i < out.length; i++) {
      long at = view.offset();
      for (int a = 0; a < rank; a++) {
        at += index[a] * view.strides().get(order[a]);
      }
      out[i] = all[Math.toIntExact(at)];
      for (int a = rank - 1; a >= 0 && ++index[a] == view.sizes().get(order[a]); a--) {
        index[a] = 0;
      }
    }
    return out;
  }

  /** {@return the archive with one file of code changed} */
  ScriptArchive withCode(String path, String text) {
    TreeMap<String, String> code = new TreeMap<>(program.code());
    code.put(path, text);
    return new ScriptArchive(new ScriptProgram(code, program.data(), program.constants()), records);
  }

  /** {@return the size of the file it would be, nearly} */
  long size() throws IOException {
    Path file = Files.createTempFile("size", ".pt");
    try {
      write(file);
      return Files.size(file);
    } finally {
      Files.delete(file);
    }
  }
}
