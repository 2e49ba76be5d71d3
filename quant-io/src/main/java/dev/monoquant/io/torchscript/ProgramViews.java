package dev.monoquant.io.torchscript;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.files.torch.Storage;
import dev.monoquant.files.torch.StorageKey;
import dev.monoquant.files.torch.TensorReader;
import dev.monoquant.files.torch.TorchGlobals;
import dev.monoquant.files.torch.TorchTensor;
import dev.monoquant.script.ScriptProgram;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The storages and tensors that the pickles of a program refer to.
 *
 * @param storages bytes of every storage, by its record
 * @param views every plain tensor
 */
record ProgramViews(Map<String, Long> storages, Map<ViewKey, TorchTensor> views) {

  /**
   * Collects the views of a program.
   *
   * @param archive where its storages are
   * @param program the program, which may differ from that of the archive
   * @param more storages that are not in the archive, by key
   * @throws ModelFormatException if a storage has two sizes, or a tensor exceeds its storage
   */
  static ProgramViews of(ScriptArchive archive, ScriptProgram program, Map<String, Storage> more) {
    Map<String, Long> storages = new LinkedHashMap<>();
    Map<ViewKey, TorchTensor> views = new HashMap<>();
    add(archive, program.data(), Records.DATA, more, storages, views);
    add(archive, program.constants(), Records.CONSTANTS, more, storages, views);
    return new ProgramViews(storages, views);
  }

  private static void add(
      ScriptArchive archive,
      PickleValue root,
      String directory,
      Map<String, Storage> more,
      Map<String, Long> storages,
      Map<ViewKey, TorchTensor> views) {
    for (StorageKey key : StorageKey.of(root, archive.label())) {
      Long earlier = storages.putIfAbsent(directory + key.key(), key.bytes());
      if (earlier != null && earlier != key.bytes()) {
        throw new ModelFormatException(
            Reason.PICKLE_SHAPE,
            archive.label(),
            quote(directory + key.key()),
            "is said to have "
                + key.bytes()
                + " bytes, and elsewhere "
                + earlier
                + ". The file is damaged or was altered; fetch it again.");
      }
    }
    TensorReader reader = archive.zip().tensors(directory, more);
    for (PickleObject object : PickleWalk.objects(root)) {
      if (TorchGlobals.isTensor(object.callee())) {
        try {
          TorchTensor view = reader.read(object, "in " + directory);
          views.putIfAbsent(ViewKey.of(archive.zip().folder(), view), view);
        } catch (ModelFormatException e) {
          if (e.reason() != Reason.UNSUPPORTED_TENSOR) {
            throw e;
          }
          // Code may use a tensor that is not plain; such a tensor has no name.
        }
      }
    }
  }
}
