# What kernels of this processor lose, tried once for all weights that have the same object.
class Machine:
  products : Optional[bool]
  convolutions : Optional[bool]
  def __getstate__(self: __torch__.monoquant.Machine) -> int:
    return 0
  def __setstate__(self: __torch__.monoquant.Machine,
    state: int) -> NoneType:
    self.products = None
    self.convolutions = None
    return None
  #if int8
  def products_saturate(self: __torch__.monoquant.Machine) -> bool:
    known = self.products
    if known is not None:
      return known
    found = __torch__.monoquant.products_saturate()
    self.products = found
    return found
  #end
  #if conv
  #if int8
  def convolutions_saturate(self: __torch__.monoquant.Machine) -> bool:
    known = self.convolutions
    if known is not None:
      return known
    found = __torch__.monoquant.convolutions_saturate()
    self.convolutions = found
    return found
  #end
  #end
# How code reaches a weight. A call through an interface is not inlined, so that the bodies below are
# compiled once for a program, and not again at each place that uses a weight: first calls of models
# with many layers would take hundreds of times as long. Holders are no modules: a load tries all
# methods of every module against patterns of old programs, which takes longer than the rest of it.
#if timed
class Held(ModuleInterface):
#else
class Held(Interface):
#end
  def tensor(self: __torch__.monoquant.Held) -> Tensor:
    pass
  def shape_only(self: __torch__.monoquant.Held) -> Tensor:
    pass
  #if linear
  def linear(self: __torch__.monoquant.Held,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    pass
  #end
  #if embed
  def embed(self: __torch__.monoquant.Held,
    indices: Tensor) -> Tensor:
    pass
  #end
  #if conv
  def conv(self: __torch__.monoquant.Held,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    pass
  #end
  #if share
  def prepared(self: __torch__.monoquant.Held,
    input: Tensor) -> Tuple[int, Tensor, Tensor, Tensor, float, int]:
    pass
  def linear_of(self: __torch__.monoquant.Held,
    input: Tensor,
    prepared: Tuple[int, Tensor, Tensor, Tensor, float, int],
    bias: Optional[Tensor]) -> Tensor:
    pass
  #end
#if timed
class Weight(Module):
  __parameters__ = ["nanos", ]
  __buffers__ = []
  training : bool
  nanos : Tensor
  reverse : bool
  keeps : bool
#else
class Weight:
#end
  machine : __torch__.monoquant.Machine
  parts : List[Tensor]
  codec : List[int]
  dims : List[int]
  plan : List[int]
  window : List[int]
  bias : Optional[Tensor]
  norm : List[Tensor]
  rows : int
  cols : int
  mode : int
  dtype : int
  transposed : bool
  bound : bool
  kept : bool
  whole : Tensor
  #if int8
  reduced : bool
  held : List[Tensor]
  step : float
  middle : int
  #if linear
  pack : Optional[Pack]
  scale : Tensor
  zeros : Tensor
  offsets : Optional[Tensor]
  sums : Tensor
  units : Optional[Tensor]
  #end
  #if embed
  table : Optional[Table]
  #end
  #if conv
  levels : int
  window_step : float
  window_middle : int
  kernel : Tensor
  kernel_shape : List[int]
  kernel_scale : Tensor
  kernel_zero : Tensor
  pointwise : bool
  points : Optional[Pack]
  #end
  #end
  #if chain
  takes : bool
  gives : int
  next_scale : Tensor
  next_zeros : Tensor
  next_step : float
  next_middle : int
  shift : Tensor
  gain : Optional[Tensor]
  #end
  def __getstate__(self: __torch__.monoquant.Weight) -> Tuple[__torch__.monoquant.Machine, List[Tensor], List[int], List[int], List[int], List[int], Optional[Tensor], List[Tensor]]:
    return (self.machine, self.stored(), self.codec, self.dims, self.plan, self.window, self.bias, self.norm)
  def __setstate__(self: __torch__.monoquant.Weight,
    state: Tuple[__torch__.monoquant.Machine, List[Tensor], List[int], List[int], List[int], List[int], Optional[Tensor], List[Tensor]]) -> NoneType:
    machine, parts, codec, dims, plan, window, bias, norm = state
    self.machine = machine
    self.parts = parts
    self.codec = codec
    self.dims = dims
    self.plan = plan
    self.window = window
    self.bias = bias
    self.norm = norm
    self.mode = plan[0]
    self.dtype = dims[1]
    self.transposed = plan[2] == 1
    self.bound = plan[5] == 1
    numbers = 1
    for i in range(2, len(dims)):
      numbers = numbers * dims[i]
    self.rows = dims[2 + dims[0]]
    self.cols = numbers // self.rows
    self.whole = torch.empty([0])
    used = plan[1] == 1 or plan[3] == 1 or plan[4] == 1 or len(window) > 0
    self.kept = plan[4] == 1 or (self.mode == 0 and used)
    if self.kept:
      self.whole = self.decoded()
    #if timed
    self.training = False
    self.nanos = torch.zeros([3], dtype=4)
    self.reverse = False
    self.keeps = plan[4] == 1
    if self.mode > 0 and not self.kept:
      self.whole = self.decoded()
    #end
    #if chain
    self.start_chain()
    #end
    #if int8
    self.prepare()
    #end
    #if chain
    if len(plan) > 10:
      self.chain()
    #end
    return None
  #if int8
  # Gives weights to kernels, unless they are only decoded.
  def prepare(self: __torch__.monoquant.Weight) -> NoneType:
    plan = self.plan
    self.reduced = False
    self.held = annotate(List[Tensor], [])
    self.step = 1.
    self.middle = 0
    #if static
    least = 0.
    greatest = 0.
    if self.mode == 4:
      least = float(plan[6]) * torch.pow(2., plan[7])
      greatest = float(plan[8]) * torch.pow(2., plan[9])
    step, middle = __torch__.monoquant.input_range(least, greatest, 255)
    self.step = step
    self.middle = middle
    #end
    #if linear
    empty = torch.empty([0])
    self.pack = None
    self.scale = empty
    self.zeros = empty
    self.offsets = None
    self.sums = empty
    self.units = None
    if self.mode > 0 and plan[1] == 1:
      self.prepare_product()
    #end
    #if conv
    self.levels = 255
    self.window_step = self.step
    self.window_middle = self.middle
    self.kernel = torch.empty([0])
    self.kernel_shape = annotate(List[int], [])
    self.kernel_scale = torch.empty([0])
    self.kernel_zero = torch.empty([0])
    self.pointwise = False
    self.points = None
    if self.mode > 0 and len(self.window) > 0:
      self.prepare_convolution()
      #if static
      step, middle = __torch__.monoquant.input_range(least, greatest, self.levels)
      self.window_step = step
      self.window_middle = middle
      #end
    #end
    #if embed
    self.table = None
    if self.mode > 0 and plan[3] == 1 and not self.kept and __torch__.monoquant.is_exact(self.codec, self.parts) and self.codec[1] == 8 and self.dims[0] == 0:
      self.prepare_table()
    #end
    if self.mode > 0 and self.codec[1] == 8 and self.codec[2] == 1 and len(self.window) == 0 and not self.kept:
      self.release()
    return None
  def release(self: __torch__.monoquant.Weight) -> NoneType:
    # What a kernel has taken over whole can be had back from it.
    taken = False
    #if linear
    taken = self.pack is not None and not self.reduced and self.natural() and __torch__.monoquant.is_exact(self.codec, self.parts)
    #end
    #if embed
    taken = taken or self.table is not None
    #end
    if taken:
      codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
      scale = torch.reshape(scale, [-1, 1])
      held = annotate(List[Tensor], [scale, torch.reshape(torch.to(zero, 1), [-1, 1])])
      factors = __torch__.monoquant.column_factors(self.parts, self.codec)
      if factors is not None:
        held.append(factors)
      self.held = held
      self.codec = [0, 8, 1, 8, 1, 1, self.cols, self.cols, 1, 1]
      self.parts = annotate(List[Tensor], [])
    return None
  def taken(self: __torch__.monoquant.Weight) -> Tensor:
    codes = torch.empty([0], dtype=1)
    #if linear
    pack = self.pack
    if pack is not None:
      codes = __torch__.monoquant.product_codes(pack)
    #end
    #if embed
    table = self.table
    if table is not None:
      codes = torch.to(torch.sub(torch.to(__torch__.monoquant.table_codes(table, self.cols), 2), 128), 1)
    #end
    return codes
  def natural(self: __torch__.monoquant.Weight) -> bool:
    return self.dims[0] == (1 if self.transposed else 0)
  #end
  def stored(self: __torch__.monoquant.Weight) -> List[Tensor]:
    stored = self.parts
    #if int8
    if len(stored) == 0:
      stored = torch.add([self.taken()], self.held)
    #end
    return stored
  def decoded(self: __torch__.monoquant.Weight) -> Tensor:
    return __torch__.monoquant.in_order(__torch__.monoquant.decoded_rows(self.stored(), self.codec, self.rows, self.cols), self.dims)
  def tensor(self: __torch__.monoquant.Weight) -> Tensor:
    return self.whole if self.kept else self.decoded()
  def shape_only(self: __torch__.monoquant.Weight) -> Tensor:
    return torch.expand(torch.empty([1], dtype=self.dtype), self.dims[2:])
