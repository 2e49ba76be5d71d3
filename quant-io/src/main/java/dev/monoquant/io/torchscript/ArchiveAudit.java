package dev.monoquant.io.torchscript;

import dev.monoquant.ModelFormatException;
import dev.monoquant.Problem;
import dev.monoquant.files.manifest.HashKind;
import dev.monoquant.files.manifest.HashPool;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.TorchZip;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.spi.Audit;
import dev.monoquant.spi.Auditable;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;

/** Reads every byte of an archive that has a {@link Manifest}, and compares it. */
final class ArchiveAudit {

  private static final String REMEDY = "The output was damaged or changed; make it anew";

  private final TorchZip zip;
  private final Manifest manifest;
  private final HashKind kind;
  private final List<Problem> differences = new ArrayList<>();
  private int checked;
  private long bytes;

  private ArchiveAudit(TorchZip zip, Manifest manifest) {
    this.zip = zip;
    this.manifest = manifest;
    this.kind = manifest.kinds().outputs();
  }

  static Optional<Auditable> of(TorchZip zip) {
    return zip.find(Records.MANIFEST).map(entry -> () -> run(zip, entry));
  }

  private static Audit run(TorchZip zip, ArchiveEntry entry) throws IOException {
    byte[] text = bytes(zip.bytes(entry));
    Manifest manifest;
    try {
      manifest = Manifest.parse(text, zip.label());
    } catch (ModelFormatException e) {
      Problem problem = Problem.error(Records.MANIFEST, String.valueOf(e.getMessage()), "");
      return new Audit(Map.of(), HashKind.NONE.wire(), Map.of(), 0, 0, List.of(problem));
    }
    return new ArchiveAudit(zip, manifest).run(entry, text);
  }

  /** {@return the bytes that {@link Manifest#self()} hashes, before its digits are set to zero} */
  static byte[] holder(byte[] frame, byte[] manifest) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(frame);
    out.writeBytes(manifest);
    return out.toByteArray();
  }

  private Audit run(ArchiveEntry own, byte[] text) throws IOException {
    byte[] holder = holder(zip.frame(List.of(own)), text);
    compare(
        HashKind.SHA256,
        "the frame of " + zip.label(),
        manifest.self(),
        manifest.hashOf(ByteBuffer.wrap(holder)));
    Set<String> there = new HashSet<>();
    try (HashPool pool = new HashPool()) {
      Map<String, Future<String>> hashes = new LinkedHashMap<>();
      for (ArchiveEntry entry : zip.entries()) {
        String name = zip.nameInFolder(entry);
        there.add(name);
        if (Records.isStorage(name) && !entry.deflated()) {
          hashes.put(name, pool.submit(kind, bytes(zip.record(name)), 0, entry.size()));
          if (kind != HashKind.NONE) {
            checked++;
            bytes += entry.size();
          }
        } else if (!entry.equals(own)) {
          record(name, entry);
        }
      }
      for (Map.Entry<String, Future<String>> hash : hashes.entrySet()) {
        storage(hash.getKey(), hash.getValue());
      }
    }
    requireAll(manifest.tensors().keySet(), there);
    requireAll(manifest.files().keySet(), there);
    return new Audit(
        manifest.made(),
        manifest.kinds().inputs().wire(),
        manifest.inputs(),
        checked,
        bytes,
        differences);
  }

  private void record(String name, ArchiveEntry entry) throws IOException {
    try {
      String hash = kind.of(bytes(zip.bytes(entry)));
      compare(kind, name, manifest.files().getOrDefault(name, "none"), hash);
    } catch (ModelFormatException damaged) {
      differs(name, String.valueOf(damaged.getMessage()));
    }
  }

  private void storage(String name, Future<String> hash) throws IOException {
    try {
      String expected = manifest.tensors().getOrDefault(name, "none");
      compare(kind, "storage " + name, expected, HashPool.await(hash));
    } catch (ModelFormatException damaged) {
      differs("storage " + name, String.valueOf(damaged.getMessage()));
    }
  }

  private void requireAll(Set<String> named, Set<String> there) {
    for (String name : named) {
      if (!there.contains(name)) {
        differs(name, "the manifest names it, but it is not there");
      }
    }
  }

  private static HashPool.Bytes bytes(Storage storage) {
    return (ByteBuffer to, long position) -> {
      int count = (int) Math.min(to.remaining(), storage.size() - position);
      to.put(storage.slice(position, count));
      return count;
    };
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] out = new byte[buffer.remaining()];
    buffer.get(out);
    return out;
  }

  private void compare(HashKind of, String what, String expected, String actual) {
    if (!actual.equals(expected)) {
      differs(what, "its " + of.noun() + " is " + actual + ", the manifest says " + expected);
    }
  }

  private void differs(String what, String message) {
    differences.add(Problem.error(what, message, REMEDY));
  }
}
