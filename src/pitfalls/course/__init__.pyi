from .building import build_course as build_course
from .grading.grade import FILES as FILES
from .grading.grade import Grade as Grade
from .grading.grade import grade as grade
from .grading.grade import parts_named as parts_named
from .grading.reporting import results_for as results_for
from .grading.reporting import write_results as write_results
from .grading.sandbox import Sandbox as Sandbox
from .grading.sandbox import read_submission as read_submission
from .notebook import write_notebooks as write_notebooks
from .options import CourseOptions as CourseOptions
from .options import SlidesConfig as SlidesConfig
from .playing import Container as Container
from .playing import play as play
from .slides import lecture_runs as lecture_runs
from .slides import write_slides as write_slides

__all__ = [
    "FILES",
    "Container",
    "CourseOptions",
    "Grade",
    "Sandbox",
    "SlidesConfig",
    "build_course",
    "grade",
    "lecture_runs",
    "parts_named",
    "play",
    "read_submission",
    "results_for",
    "write_notebooks",
    "write_results",
    "write_slides",
]
