package com.example.slab;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantException;
import dev.monoquant.files.json.JsonDialect;
import dev.monoquant.files.json.JsonFields;
import dev.monoquant.files.json.JsonText;
import dev.monoquant.files.json.JsonValue;
import dev.monoquant.files.json.StrictJson;
import dev.monoquant.files.output.FileLayout;
import dev.monoquant.files.manifest.WeightJson;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The layout of one file; only this class writes and reads it:
 *
 * <pre>
 * bytes 0 to 7       SLABFILE
 * bytes 8 to 11      N, the length of the JSON, little-endian
 * bytes 12 to 11+N   {"kept":{NAME:{"dtype":"F32","shape":[2,3]},...},"weights":{NAME:{...},...}}
 * then               the unquantized tensors, then the parts of each weight, in the order of the JSON;
 *                    cells as in tiles, little-endian, without gaps
 * </pre>
 *
 * @param kept the tensors that are stored as they are
 * @param weights the quantized weights
 * @param headerBytes the file up to its data
 * @param regions where everything is
 */
record SlabFile(
    List<TensorInfo> kept, List<EncodedWeight> weights, byte[] headerBytes, List<Region> regions)
    implements FileLayout {

  private static final byte[] MAGIC = "SLABFILE".getBytes(StandardCharsets.US_ASCII);
  private static final int START = MAGIC.length + Integer.BYTES;

  static SlabFile of(List<TensorInfo> kept, List<EncodedWeight> weights) {
    Map<String, JsonValue> tensors = new LinkedHashMap<>();
    for (TensorInfo tensor : kept) {
      Map<String, JsonValue> json = new LinkedHashMap<>();
      json.put("dtype", JsonValue.of(tensor.type().wire()));
      json.put("shape", WeightJson.dims(tensor.shape()));
      tensors.put(tensor.name(), new JsonValue.Obj(json));
    }
    Map<String, JsonValue> quantized = new LinkedHashMap<>();
    weights.forEach(w -> quantized.put(w.name(), new JsonValue.Obj(WeightJson.write(w))));
    Map<String, JsonValue> all = new LinkedHashMap<>();
    all.put("kept", new JsonValue.Obj(tensors));
    all.put("weights", new JsonValue.Obj(quantized));
    byte[] json = JsonText.compact(new JsonValue.Obj(all)).getBytes(StandardCharsets.UTF_8);
    ByteBuffer header = ByteBuffer.allocate(START + json.length).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).putInt(json.length).put(json);
    return new SlabFile(kept, weights, header.array(), place(kept, weights, header.capacity()));
  }

  /** What follows the header, from names, types and shapes alone. */
  private static List<Region> place(
      List<TensorInfo> kept, List<EncodedWeight> weights, long start) {
    List<Region> regions = new ArrayList<>();
    long at = start;
    for (TensorInfo tensor : kept) {
      regions.add(new Region(tensor.name(), at, tensor.bytes()));
      at = Math.addExact(at, tensor.bytes());
    }
    for (EncodedWeight weight : weights) {
      for (TensorInfo part : parts(weight).tensors()) {
        regions.add(new Region(part.name(), at, part.bytes()));
        at = Math.addExact(at, part.bytes());
      }
    }
    return List.copyOf(regions);
  }

  /** {@return how the parts of a weight lie in regions of the same names} */
  static WeightLayout parts(EncodedWeight weight) {
    return TensorPerPart.ofCells(weight.matrix(), weight.encoding());
  }

  /** A file is believed nothing: every number is checked before anything is made of it. */
  static SlabFile read(Path path, FileChannel channel, ReadLimits limits) throws IOException {
    String label = path.toString();
    ByteBuffer start = SlabSource.readFully(channel, 0, START, label);
    byte[] magic = new byte[MAGIC.length];
    start.get(magic);
    int length = start.getInt();
    if (!java.util.Arrays.equals(magic, MAGIC) || length < 0) {
      throw fault(Reason.NOT_THIS_FORMAT, label, "it does not start with SLABFILE and a length");
    }
    if (length > limits.maxHeaderBytes() || length > channel.size() - START) {
      throw fault(Reason.LIMIT, label, "its header has " + length + " bytes, more than allowed");
    }
    JsonValue json =
        StrictJson.parse(
            SlabSource.readFully(channel, START, length, label),
            new JsonDialect(
                label,
                "the header",
                Reason.HEADER_JSON,
                Reason.HEADER_JSON,
                limits.maxDepth(),
                false,
                limits.maxParsedBytes()));
    JsonFields.Fault fault = new JsonFields.Fault(label, "the header");
    try {
      JsonFields all = new JsonFields(fault, "", json, Set.of("kept", "weights"));
      List<TensorInfo> kept = new ArrayList<>();
      members(all, "kept", fault).forEach((name, tensor) -> kept.add(tensor(name, tensor, fault)));
      List<EncodedWeight> weights = new ArrayList<>();
      members(all, "weights", fault)
          .forEach(
              (name, weight) ->
                  weights.add(
                      WeightJson.read(name, weight, "", fault, Set.of(), (made, fields) -> made)));
      byte[] header = new byte[START + length];
      SlabSource.readFully(channel, 0, header.length, label).get(header);
      SlabFile file =
          new SlabFile(kept, weights, header, place(kept, weights, header.length));
      if (file.fileBytes() != channel.size()) {
        throw fault(
            file.fileBytes() > channel.size() ? Reason.TRUNCATED : Reason.TRAILING_DATA,
            label,
            "it has " + channel.size() + " bytes, its header announces " + file.fileBytes());
      }
      return file;
    } catch (ModelFormatException e) {
      throw e;
    } catch (QuantException | IllegalArgumentException | ArithmeticException e) {
      throw fault.of("", e);
    }
  }

  private static Map<String, JsonValue> members(
      JsonFields all, String key, JsonFields.Fault fault) {
    if (all.get(key) instanceof JsonValue.Obj object) {
      return object.members();
    }
    throw fault.of("", key + " is no object");
  }

  private static TensorInfo tensor(String name, JsonValue json, JsonFields.Fault fault) {
    JsonFields fields = new JsonFields(fault, name, json, Set.of("dtype", "shape"));
    return new TensorInfo(name, ElementType.of(fields.text("dtype")), fields.shape("shape"));
  }

  static ModelFormatException fault(Reason reason, String label, String detail) {
    return new ModelFormatException(reason, label, "", detail + ". Make the output anew.");
  }
}
