package dev.monoquant.io.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.files.ForeignFile;
import dev.monoquant.io.zip.Archive;
import dev.monoquant.io.zip.ArchiveEntry;
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
 * <p>Records with numbers must lie as they are: a compressed storage cannot be mapped. Checksums of
 * small records are compared when the archive is opened, those of large storages when they are
 * first read. Thread-safe but for {@link #close}. Source: {@code
 * caffe2/serialize/inline_container.cc} of torch 2.13.
 */
public final class TorchZip implements Closeable {

  /** The name of the pickle. */
  public static final String PICKLE = "data.pkl";

  /** The pickle of TorchScript's constants, which a checkpoint has not. */
  public static final String CONSTANTS = "constants.pkl";

  private static final int MIN_VERSION = 1;
  private static final int MAX_VERSION = 10;
  private static final int MAX_SMALL_RECORD = 64;
  private static final long CHECKED_AT_ONCE = 64 << 20;

  private final Archive archive;
  private final ReadLimits limits;
  private final String folder;
  private final boolean bigEndian;

  private TorchZip(Archive archive, ReadLimits limits, String folder) throws IOException {
    this.archive = archive;
    this.limits = limits;
    this.folder = folder;
    requireVersion();
    this.bigEndian = readByteOrder();
  }

  /**
   * Opens an archive.
   *
   * @param path the file
   * @param label its name for messages
   * @param limits how much to believe
   * @return the open archive; the caller closes it
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged, foreign or over a limit
   */
  public static TorchZip open(Path path, String label, ReadLimits limits) throws IOException {
    Archive archive = Archive.open(path, label, limits);
    try {
      TorchZip zip = new TorchZip(archive, limits, folder(archive));
      zip.checkSmallRecords();
      return zip;
    } catch (IOException | RuntimeException | Error e) {
      archive.close();
      throw e;
    }
  }

  private static String folder(Archive archive) {
    List<String> names = archive.entries().stream().map(ArchiveEntry::name).toList();
    Optional<String> foreign = ForeignFile.describeZip(names);
    if (foreign.isPresent()) {
      throw new ModelFormatException(
          Reason.NOT_THIS_FORMAT, archive.label(), "", "this is " + foreign.get());
    }
    String first = names.get(0);
    String folder = first.substring(0, first.indexOf('/') + 1);
    for (String name : names) {
      if (folder.isEmpty() || !name.startsWith(folder)) {
        throw new ModelFormatException(
            Reason.ZIP_STRUCTURE,
            archive.label(),
            "entry " + quote(name),
            "is not in the same folder as all others, as PyTorch has it. Pack the archive again, or"
                + " save the model again.");
      }
    }
    return folder;
  }

  private void requireVersion() throws IOException {
    Optional<ArchiveEntry> record = find(".data/version");
    if (record.isEmpty()) {
      record = find("version");
    }
    String text = smallText(record.orElseThrow(() -> missing("version", "")));
    String digits = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    if (!digits.matches("[1-9][0-9]?") || Integer.parseInt(digits) > MAX_VERSION) {
      throw new ModelFormatException(
          Reason.VERSION,
          archive.label(),
          quote("version"),
          "the archive is of version "
              + quote(digits)
              + "; "
              + MIN_VERSION
              + " to "
              + MAX_VERSION
              + " are read. Save it with a version of PyTorch that is known.");
    }
  }

  private boolean readByteOrder() throws IOException {
    Optional<ArchiveEntry> record = find("byteorder");
    if (record.isEmpty()) {
      return false;
    }
    String text = smallText(record.get());
    if (!text.equals("little") && !text.equals("big")) {
      throw new ModelFormatException(
          Reason.BYTEORDER,
          archive.label(),
          quote("byteorder"),
          "says " + quote(text) + "; little and big are known. The file is damaged or altered.");
    }
    return text.equals("big");
  }

  private String smallText(ArchiveEntry entry) throws IOException {
    if (entry.size() > MAX_SMALL_RECORD) {
      throw new ModelFormatException(
          Reason.RECORD_SIZE,
          archive.label(),
          quote(entry.name()),
          "has " + entry.size() + " bytes, a word was expected. The file is damaged or altered.");
    }
    return StandardCharsets.ISO_8859_1.decode(content(entry, MAX_SMALL_RECORD, "")).toString();
  }

  /** In the order of the file, up to a sum that is read in no time. */
  private void checkSmallRecords() throws IOException {
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

  /** {@return whether there are records of code: then it is a TorchScript archive} */
  public boolean isScript() {
    return find(CONSTANTS).isPresent() || !code().isEmpty();
  }

  /** {@return the records of TorchScript source, {@code code/...py}} */
  public List<ArchiveEntry> code() {
    String prefix = folder + "code/";
    return archive.entries().stream()
        .filter(e -> e.name().startsWith(prefix) && e.name().endsWith(".py"))
        .toList();
  }

  /**
   * {@return the name of an entry within the folder of the archive}
   *
   * @param entry an entry of this archive
   */
  public String nameInFolder(ArchiveEntry entry) {
    return entry.name().substring(folder.length());
  }

  /**
   * {@return the record, or empty}
   *
   * @param name its name within the folder
   */
  public Optional<ArchiveEntry> find(String name) {
    return archive.find(folder + name);
  }

  /**
   * {@return the text of a record of code, which may be compressed}
   *
   * @param entry the record
   * @throws IOException if it cannot be read
   */
  public String text(ArchiveEntry entry) throws IOException {
    return StandardCharsets.UTF_8
        .decode(content(entry, limits.maxInflatedBytes(), "maxInflatedBytes"))
        .toString();
  }

  /**
   * Gives a pickle.
   *
   * @param name its name within the folder
   * @return its bytes
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is missing, compressed or over the limit
   */
  public ByteBuffer pickle(String name) throws IOException {
    ArchiveEntry entry = find(name).orElseThrow(() -> missing(name, ""));
    requireStored(entry);
    return content(entry, limits.maxPickleBytes(), "maxPickleBytes");
  }

  private ByteBuffer content(ArchiveEntry entry, long limit, String setting) throws IOException {
    return archive.content(entry, limit, setting);
  }

  private void requireStored(ArchiveEntry entry) {
    if (entry.deflated()) {
      throw new ModelFormatException(
          Reason.ZIP_COMPRESSED,
          label(),
          "entry " + quote(entry.name()),
          "is compressed, which torch.save never does, so it cannot be mapped. Load the model and"
              + " save it again with torch.save.");
    }
  }

  /** {@return all entries in the order of their bytes} */
  public Collection<ArchiveEntry> entries() {
    return archive.entries();
  }

  /** {@return the folder that all entries are in, with a slash at its end} */
  public String folder() {
    return folder;
  }

  /** {@return whether numbers are big-endian} */
  public boolean isBigEndian() {
    return bigEndian;
  }

  /**
   * Gives all of a record that is no storage.
   *
   * @param entry a record, compressed or not
   * @return its bytes
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is damaged or over the limit
   */
  public ByteBuffer bytes(ArchiveEntry entry) throws IOException {
    return content(entry, limits.maxInflatedBytes(), "maxInflatedBytes");
  }

  /**
   * The bytes of the file that are in no record that lies as it is.
   *
   * @param without entries whose checksum is to be 0 there
   * @return as {@link Archive#frame}
   * @throws IOException if it cannot be read
   */
  public byte[] frame(Collection<ArchiveEntry> without) throws IOException {
    return archive.frame(without);
  }

  /**
   * Gives a record as bytes, whatever they stand for.
   *
   * @param name its name within the folder
   * @return the bytes
   * @throws ModelFormatException if it is missing or compressed
   */
  public Storage record(String name) {
    ArchiveEntry entry = find(name).orElseThrow(() -> missing(name, ""));
    requireStored(entry);
    return new ZipStorage(archive, entry, false);
  }

  /**
   * Makes the reader of tensors whose storages are records of this archive, or not yet.
   *
   * @param directory where the records are, such as {@code data/}
   * @param more storages that are no records, by key
   * @return a reader
   */
  public TensorReader tensors(String directory, Map<String, Storage> more) {
    return new TensorReader(
        label(),
        limits,
        (id, where) -> {
          Storage known = more.get(id.key());
          return known != null ? known : storage(directory + id.key(), id, where);
        });
  }

  /**
   * Makes the reader of tensors whose storages are records of this archive.
   *
   * @param directory where the records are, such as {@code data/}
   * @return a reader
   */
  public TensorReader tensors(String directory) {
    return new TensorReader(
        label(), limits, (id, where) -> storage(directory + id.key(), id, where));
  }

  private Storage storage(String name, StorageId id, String where) {
    ArchiveEntry entry = find(name).orElseThrow(() -> missing(name, where));
    requireStored(entry);
    if (id.elements() < 0 || id.view().isPresent()) {
      throw new ModelFormatException(
          Reason.TENSOR_BOUNDS,
          label(),
          where,
          "its storage is said to have " + id.elements() + " elements. The file is damaged.");
    }
    // No product: numel times bytes may leave 64 bits.
    if (entry.size() % id.elementBytes() != 0
        || entry.size() / id.elementBytes() != id.elements()) {
      throw new ModelFormatException(
          Reason.RECORD_SIZE,
          label(),
          where,
          "its storage "
              + quote(entry.name())
              + " has "
              + entry.size()
              + " bytes, "
              + id.elements()
              + " elements of "
              + id.elementBytes()
              + " bytes were expected. The file is damaged; fetch it again.");
    }
    return new ZipStorage(archive, entry, bigEndian);
  }

  private ModelFormatException missing(String name, String where) {
    return new ModelFormatException(
        Reason.RECORD_MISSING,
        label(),
        where,
        "there is no record "
            + quote(folder + name)
            + " in the archive. The file is damaged or was altered; fetch it again.");
  }

  /**
   * A missing record, as a refusal.
   *
   * @param name its name within the folder
   * @return the refusal
   */
  public ModelFormatException missing(String name) {
    return missing(name, "");
  }

  /** A record; its checksum is compared once, when it is first read. */
  private record ZipStorage(Archive archive, ArchiveEntry entry, boolean bigEndian)
      implements Storage {

    @Override
    public String label() {
      return entry.name();
    }

    @Override
    public long size() {
      return entry.size();
    }

    @Override
    public ByteBuffer slice(long offset, int length) throws IOException {
      archive.check(entry);
      return archive.slice(entry, offset, length);
    }
  }

  @Override
  public void close() throws IOException {
    archive.close();
  }
}
