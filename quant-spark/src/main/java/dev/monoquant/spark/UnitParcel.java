package dev.monoquant.spark;

import dev.monoquant.OutputException;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.files.output.UnitPlaces;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;

/**
 * What a unit wrote, as one file between an executor and the driver:
 *
 * <pre>
 * 4 bytes    length of the record, big-endian
 * record     the JSON of the unit, with the hashes of what it wrote
 * ranges     the bytes of the ranges of the unit, in the order of the plan
 * 32 bytes   SHA-256 of all before
 * </pre>
 *
 * @param plan the plan, with the output on this machine
 * @param unit the number of the unit
 */
record UnitParcel(SplitPlan plan, int unit) {

  private static final int BLOCK = 1 << 20;
  private static final int RECORD_MOST = 256 << 20;

  private UnitPlaces places() {
    return UnitPlaces.of(plan.target(), SplitPlanJson.id(plan));
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }

  /** Writes what the unit wrote on this machine. */
  void write(OutputStream out) throws IOException {
    MessageDigest digest = sha256();
    DataOutputStream data = new DataOutputStream(new DigestOutputStream(out, digest));
    byte[] record = Files.readAllBytes(places().record(unit));
    data.writeInt(record.length);
    data.write(record);
    byte[] block = new byte[BLOCK];
    for (Map.Entry<String, List<SplitPlan.Range>> file : plan.unit(unit).ranges().entrySet()) {
      Path path = places().file(file.getKey());
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        for (SplitPlan.Range range : file.getValue()) {
          for (long done = 0; done < range.length(); ) {
            ByteBuffer part = ByteBuffer.wrap(block);
            part.limit((int) Math.min(BLOCK, range.length() - done));
            int read = channel.read(part, range.offset() + done);
            if (read < 0) {
              throw new EOFException(path.toString());
            }
            data.write(block, 0, read);
            done += read;
          }
        }
      }
    }
    data.flush();
    out.write(digest.digest());
  }

  /**
   * Puts what the unit wrote at its places on this machine.
   *
   * @throws OutputException if the bytes are not those that were sent
   */
  void read(InputStream in, String name) throws IOException {
    MessageDigest digest = sha256();
    DataInputStream data = new DataInputStream(new DigestInputStream(in, digest));
    try {
      int length = data.readInt();
      if (length < 0 || length > RECORD_MOST) {
        throw damaged(name);
      }
      byte[] record = data.readNBytes(length);
      byte[] block = new byte[BLOCK];
      for (Map.Entry<String, List<SplitPlan.Range>> file : plan.unit(unit).ranges().entrySet()) {
        Path path = places().file(file.getKey());
        try (FileChannel channel =
            FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
          for (SplitPlan.Range range : file.getValue()) {
            for (long done = 0; done < range.length(); ) {
              int part = (int) Math.min(BLOCK, range.length() - done);
              data.readFully(block, 0, part);
              ByteBuffer bytes = ByteBuffer.wrap(block, 0, part);
              for (long at = range.offset() + done; bytes.hasRemaining(); ) {
                at += channel.write(bytes, at);
              }
              done += part;
            }
          }
        }
      }
      if (!MessageDigest.isEqual(digest.digest(), in.readNBytes(32)) || in.read() >= 0) {
        throw damaged(name);
      }
      Files.write(places().record(unit), record);
    } catch (EOFException e) {
      throw damaged(name);
    }
  }

  private static OutputException damaged(String name) {
    return new OutputException(name + ": has other bytes than the unit sent. Run again");
  }
}
