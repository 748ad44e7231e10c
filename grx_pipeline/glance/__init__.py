"""What the Dagster UI shows of a step's result at a glance: a small table or plot, made from its tables.

Plain functions of tables. What stands here is for whoever watches the pipeline; drivers read reports/.
"""

from grx_pipeline.glance.content import Glance, Plot, ReadTable, Rows
from grx_pipeline.glance.steps import glance_at

__all__ = ["Glance", "Plot", "ReadTable", "Rows", "glance_at"]
