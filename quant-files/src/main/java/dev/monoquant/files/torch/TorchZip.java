package dev.monoquant.files.torch;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.zip.Archive;
import dev.monoquant.files.zip.ArchiveEntry;
import dev.monoquant.spi.ReadLimits;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An open archive as {@code torch.save} and {@code torch.jit.save} write it: all records in one
 * folder of any name, {@code data.pkl}, {@code data/0} and so on, {@code version} from 1 to 10, and
 * {@code byteorder}, without which it is little-endian.
 *
 * <p>PyTorch stores all records with numbers, and reads compressed ones too; these are inflated
 * when they are first read, see {@link Archive#slice}. Checksums of small records are compared when
 * the archive is opened, those of large and of compressed storages on the first read. Thread-safe
 * except {@link #close}. Source: {@code caffe2/serialize/inline_container.cc} of torch 2.13.
 */
public final class TorchZip implements Closeable {

  /** The name of the pickle. */
  public static final String PICKLE = "data.pkl";

  /** The name of the pickle of TorchScript's constants, which a checkpoint does not have. */
  public static final String CONSTANTS = "constants.pkl";

  private static final long CHECKED_AT_ONCE = 64 << 20;

  private final Archive archive;
  private final ReadLimits limits;
  private final TorchRecords records;
  private final boolean bigEndian;

  private TorchZip(Archive archive, ReadLimits limits, TorchRecords records, boolean bigEndian) {
    this.archive = archive;
    this.limits = limits;
    this.records = records;
    this.bigEndian = bigEndian;
  }

  /**
   * Opens an archive.
   *
   * @param path the file
   * @param label its name, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open archive; the caller closes it
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged, has another format or exceeds a limit
   */
  public static TorchZip open(Path path, String label, ReadLimits limits) throws IOException {
    Archive archive = Archive.open(path, label, limits);
    try {
      TorchRecords.requireOwn(archive);
      return open(archive, limits);
    } catch (IOException | RuntimeException | Error e) {
      archive.close();
      throw e;
    }
  }

  /**
   * Opens an archive of {@code torch.export.save}, which has other records in the same frame.
   *
   * @param path the file
   * @param label its name, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open archive; the caller closes it
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged, has another format or exceeds a limit
   */
  public static TorchZip openExported(Path path, String label, ReadLimits limits)
      throws IOException {
    Archive archive = Archive.open(path, label, limits);
    try {
      return open(archive, limits);
    } catch (IOException | RuntimeException | Error e) {
      archive.close();
      throw e;
    }
  }

  private static TorchZip open(Archive archive, ReadLimits limits) throws IOException {
    TorchRecords records = TorchRecords.of(archive);
    ArchivePreamble preamble = new ArchivePreamble(records);
    preamble.requireVersion();
    boolean bigEndian = preamble.bigEndian();
    checkSmallRecords(archive);
    return new TorchZip(archive, limits, records, bigEndian);
  }

  /** Checks in the order of the file, up to a total size that is read quickly. */
  private static void checkSmallRecords(Archive archive) throws IOException {
    long sum = 0;
    List<ArchiveEntry> stored =
        archive.entries().stream()
            .filter(e -> !e.deflated())
            .sorted(Comparator.comparingLong(ArchiveEntry::start))
            .toList();
    for (ArchiveEntry entry : stored) {
      sum += entry.size();
      if (sum > CHECKED_AT_ONCE) {
        return;
      }
      archive.check(entry);
    }
  }

  /** {@return the file's name for messages} */
  public String label() {
    return archive.label();
  }

  /** {@return the folder of all entries, with a slash at its end} */
  public String folder() {
    return records.folder();
  }

  /** {@return whether numbers are big-endian} */
  public boolean isBigEndian() {
    return bigEndian;
  }

  /** {@return whether this is a TorchScript archive, which has records of code} */
  public boolean isScript() {
    return find(CONSTANTS).isPresent() || !code().isEmpty();
  }

  /** {@return all entries in the order of their bytes} */
  public Collection<ArchiveEntry> entries() {
    return archive.entries();
  }

  /** {@return the records of TorchScript source, {@code code/...py}} */
  public List<ArchiveEntry> code() {
    return archive.entries().stream().filter(this::isCode).toList();
  }

  /**
   * {@return whether an entry is a record of TorchScript source}
   *
   * @param entry an entry of this archive
   */
  public boolean isCode(ArchiveEntry entry) {
    return entry.name().startsWith("code/", folder().length()) && entry.name().endsWith(".py");
  }

  /**
   * {@return the name of an entry within the folder of the archive}
   *
   * @param entry an entry of this archive
   */
  public String nameInFolder(ArchiveEntry entry) {
    return entry.name().substring(folder().length());
  }

  /**
   * {@return the record, or empty}
   *
   * @param name its name within the folder
   */
  public Optional<ArchiveEntry> find(String name) {
    return records.find(name);
  }

  /**
   * Makes the exception for a missing record.
   *
   * @param name its name within the folder
   * @return the exception
   */
  public ModelFormatException missing(String name) {
    return records.missing(name, "");
  }

  /**
   * Returns a pickle.
   *
   * @param name its name within the folder
   * @return its bytes
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is missing, damaged or exceeds the limit
   */
  public ByteBuffer pickle(String name) throws IOException {
    return archive.content(records.required(name, ""), limits.maxPickleBytes(), "maxPickleBytes");
  }

  /**
   * Returns the content of a record that is not a storage.
   *
   * @param entry a record, compressed or not
   * @return its bytes
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged or over the limit
   */
  public ByteBuffer bytes(ArchiveEntry entry) throws IOException {
    return archive.content(entry, limits.maxInflatedBytes(), "maxInflatedBytes");
  }

  /**
   * {@return the text of a record of code, which may be compressed}
   *
   * @param entry the record
   * @throws IOException if it cannot be read
   */
  public String text(ArchiveEntry entry) throws IOException {
    return StandardCharsets.UTF_8.decode(bytes(entry)).toString();
  }

  /**
   * Returns a record as untyped bytes.
   *
   * @param name its name within the folder
   * @return the bytes
   * @throws ModelFormatException if it is missing
   */
  public Storage record(String name) {
    return new ZipStorage(archive, records.required(name, ""), false);
  }

  /**
   * Returns all bytes of the file outside stored records.
   *
   * @param without entries whose checksum is set to 0 in the result
   * @return as {@link Archive#frame}
   * @throws IOException if it cannot be read
   */
  public byte[] frame(Collection<ArchiveEntry> without) throws IOException {
    return archive.frame(without);
  }

  /**
   * Makes the reader of tensors whose storages are records of this archive.
   *
   * @param directory the folder of the records, such as {@code data/}
   * @return a reader
   */
  public TensorReader tensors(String directory) {
    return tensors(directory, Map.of());
  }

  /**
   * Makes the reader of tensors whose storages are records of this archive or given ones.
   *
   * @param directory the folder of the records, such as {@code data/}
   * @param more storages that are not records, by key
   * @return a reader
   */
  public TensorReader tensors(String directory, Map<String, Storage> more) {
    return new TensorReader(label(), limits, new ZipStorages(records, directory, bigEndian, more));
  }

  @Override
  public void close() throws IOException {
    archive.close();
  }
}
