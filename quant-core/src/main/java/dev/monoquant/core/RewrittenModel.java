package dev.monoquant.core;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.Trainer;
import ai.djl.training.TrainingConfig;
import ai.djl.translate.Translator;
import ai.djl.util.PairList;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A live result: runs the quantized program and answers for its name, path, artifacts, properties
 * and data type what the original answers, so that translators find their files.
 *
 * <p>Properties and data type are copied, and change in one model only. Files are those of the
 * original, which the engine still finds when the original is closed, until this model is loaded or
 * saved elsewhere. Closing this model closes the quantized program and leaves the original open.
 */
final class RewrittenModel implements Model {

  private final Model program;
  private Model files;

  /**
   * Takes ownership of a program.
   *
   * @param program the loaded program, closed with this model
   * @param original the model that it was made from
   */
  RewrittenModel(Model program, Model original) {
    this.program = program;
    this.files = original;
    original.getProperties().forEach(program::setProperty);
    program.setDataType(original.getDataType());
  }

  @Override
  public void load(Path path, @Nullable String prefix, @Nullable Map<String, ?> options)
      throws IOException, MalformedModelException {
    program.load(path, prefix, options);
    files = program;
  }

  @Override
  public void load(InputStream stream, @Nullable Map<String, ?> options)
      throws IOException, MalformedModelException {
    program.load(stream, options);
    files = program;
  }

  @Override
  public void save(Path path, @Nullable String name) throws IOException {
    program.save(path, name);
    files = program;
  }

  @Override
  public Path getModelPath() {
    return files.getModelPath();
  }

  @Override
  public Block getBlock() {
    return program.getBlock();
  }

  @Override
  public void setBlock(Block block) {
    program.setBlock(block);
  }

  @Override
  public String getName() {
    return program.getName();
  }

  @Override
  public Map<String, String> getProperties() {
    return program.getProperties();
  }

  @Override
  public @Nullable String getProperty(String key) {
    return program.getProperty(key);
  }

  @Override
  public void setProperty(String key, String value) {
    program.setProperty(key, value);
  }

  @Override
  public NDManager getNDManager() {
    return program.getNDManager();
  }

  @Override
  public Trainer newTrainer(TrainingConfig config) {
    return program.newTrainer(config);
  }

  /** Translators ask the model of the predictor for their files, so it is this model. */
  @Override
  public <I, O> Predictor<I, O> newPredictor(Translator<I, O> translator, Device device) {
    return new Predictor<>(this, translator, device, false);
  }

  @Override
  public PairList<String, Shape> describeInput() {
    return program.describeInput();
  }

  @Override
  public PairList<String, Shape> describeOutput() {
    return program.describeOutput();
  }

  @Override
  public String[] getArtifactNames() {
    return files.getArtifactNames();
  }

  @Override
  public <T> T getArtifact(String name, Function<InputStream, T> function) throws IOException {
    return files.getArtifact(name, function);
  }

  @Override
  public URL getArtifact(String name) throws IOException {
    return files.getArtifact(name);
  }

  @Override
  public InputStream getArtifactAsStream(String name) throws IOException {
    return files.getArtifactAsStream(name);
  }

  @Override
  public void setDataType(DataType dataType) {
    program.setDataType(dataType);
  }

  @Override
  public DataType getDataType() {
    return program.getDataType();
  }

  @Override
  public void cast(DataType dataType) {
    program.cast(dataType);
  }

  @Override
  public void close() {
    program.close();
  }

  @Override
  public String toString() {
    return program.toString();
  }
}
