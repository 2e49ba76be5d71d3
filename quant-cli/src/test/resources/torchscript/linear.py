"""Writes linear.pt, whose only layer is the model itself, and layer-named-linear.pt, with a layer called as a kind of
layers is. Run in this folder, with PyTorch 2.13: the same files but for the id of each archive."""
import io
import zipfile

import torch


class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.Linear = torch.nn.Linear(64, 64)
        self.fc = torch.nn.Linear(64, 64)

    def forward(self, x):
        return self.fc(torch.relu(self.Linear(x)))


def save(model, name):
    made = io.BytesIO()
    torch.jit.save(torch.jit.trace(model.eval(), torch.ones(2, 64)), made)
    # Without the records of where the code was traced, which nothing needs.
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(name + ".pt", "w") as out:
        for record in whole.namelist():
            if not record.endswith(".debug_pkl") and "traced_inputs" not in record:
                inner = record.split("/", 1)[1]
                out.writestr(zipfile.ZipInfo(name + "/" + inner), whole.read(record))


torch.manual_seed(3)
save(torch.nn.Linear(64, 16), "linear")
save(Two(), "layer-named-linear")
