"""Writes running-sum.pt, which returns a buffer that each call changes. Run in this folder, with PyTorch 2.13: the same
file to the byte."""
import io
import zipfile

import torch


class RunningSum(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(64, 64, bias=False)
        self.register_buffer("sum", torch.zeros(2, 64))

    def forward(self, x):
        return self.sum.add_(self.fc(x))


torch.manual_seed(3)
made = io.BytesIO()
torch.jit.save(torch.jit.trace(RunningSum().eval(), torch.zeros(2, 64)), made)
with zipfile.ZipFile(made) as whole, zipfile.ZipFile("running-sum.pt", "w") as out:
    for record in whole.namelist():
        # Without the records of where the code was traced, and without their hash.
        if not record.endswith((".debug_pkl", "serialization_id")) and "traced_inputs" not in record:
            out.writestr(zipfile.ZipInfo("running-sum/" + record.split("/", 1)[1]), whole.read(record))
