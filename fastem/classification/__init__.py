"""Classification by Gaussian mixtures, one for each class.

    rows, classes --training--> a mixture for each class --Classifier--> probabilities of classes

classify       the front: check, train every candidate, choose, cross-validate
training       mixtures of classes: one component each (EDDA) or several (MclustDA)
targets        classes as users give them
classifier     the value that `classify` returns
file           how it is written and read
"""

from fastem.classification.classifier import Candidate, Classifier
from fastem.classification.classify import classify

__all__ = ["Candidate", "Classifier", "classify"]
